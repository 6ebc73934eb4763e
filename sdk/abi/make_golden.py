#!/usr/bin/env python3
"""Builds the golden modules of the ABI's newest minor for this machine, and prints the line for the
ledger.

    sdk/abi/make_golden.py [--cc gcc=gcc,clang=clang-19] [--cxx gcc=g++,clang=clang++-19]

A golden module is a binary that must run in every later host, unchanged: golden.c and golden.cpp, and
the example in Rust, as the compilers of the time make them; and drive, the host of the tests, must
drive modules that later headers make. They are made once for a released minor;
before that, whenever its tables change. abi/MINOR/golden-PLATFORM.tar.gz holds them, with the digest
of the tables that they were built with.
"""
import argparse
import gzip
import hashlib
import io
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import tempfile

import tables

SDK = pathlib.Path(__file__).resolve().parent.parent
FLAGS = ["-O2", "-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections", "-Wall", "-Wextra",
         "-Wpedantic", "-Werror", f"-I{SDK}/include", "-shared", "-s",
         f"-Wl,--version-script={SDK}/cmake/connector.map",
         "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,-z,defs,-z,now,-z,relro,-z,noexecstack"]


def compilers(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split(","))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cc", type=compilers, default="gcc=gcc,clang=clang-19")
    parser.add_argument("--cxx", type=compilers, default="gcc=g++,clang=clang++-19")
    parser.add_argument("--rustc", default="rustc")
    args = parser.parse_args()

    header = SDK / "include/plakar/connector.h"
    version = ".".join(re.findall(r"#define PLK_ABI_M\w+OR (\d+)u", header.read_text()))
    name = f"golden-{platform.machine()}-gnu.tar.gz"
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = pathlib.Path(scratch_name)
        for label, cc in args.cc.items():
            subprocess.run([cc, "-std=c99", *FLAGS, "-o", scratch / f"c-{label}.so", SDK / "abi/golden/golden.c"], check=True)
        for label, cxx in args.cxx.items():
            subprocess.run([cxx, "-std=c++11", *FLAGS, "-static-libstdc++", "-static-libgcc",
                            "-o", scratch / f"cpp-{label}.so", SDK / "abi/golden/golden.cpp"], check=True)
        subprocess.run([args.rustc, "--edition", "2021", "--crate-type", "cdylib", "--crate-name", "example_destination",
                        "-C", "opt-level=3", "-C", "strip=symbols", "-C", "panic=unwind",
                        "-o", scratch / "rust.so", SDK.parent / "examples/rust-destination/src/lib.rs"], check=True)
        # The host of the time: it must drive what later headers make.
        subprocess.run([next(iter(args.cc.values())), "-std=c11", "-O2", "-s", f"-I{SDK}/include", "-o", scratch / "drive",
                        SDK.parent / "tests/sdk/drive.c", "-ldl", "-lpthread"], check=True)
        (scratch / "TABLES").write_text(tables.digest(tables.make_tables(header, "cc")) + "\n")

        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w") as tar:
            for path in sorted(scratch.iterdir()):
                entry = tarfile.TarInfo(path.name)
                entry.size, entry.mode = path.stat().st_size, 0o644
                with path.open("rb") as file:
                    tar.addfile(entry, file)
    (SDK / "abi" / version / name).write_bytes(packed.getvalue())
    print(f"Golden {version}/{name}: `{hashlib.sha256(packed.getvalue()).hexdigest()}`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
