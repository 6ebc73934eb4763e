#!/bin/sh
# Builds the module and puts the package together, in build/package. No crates are needed.
set -eu
cd "$(dirname "$0")"
cargo build --release
package=build/package
rm -rf "$package"
mkdir -p "$package/lib"
cp "${CARGO_TARGET_DIR:-target}/release/libplakar_my_template.so" "$package/lib/my-template.so"
cp -R manifest.yaml README.md schema "$package/"
