//! Drives the module through the C ABI, as a host does: `sh package.sh` first. The driver is in C
//! and needs a C compiler, and the header of the Plakar SDK, which pkg-config finds.

use std::path::Path;
use std::process::{Command, Output};

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {shown}", output.status);
    output
}

#[test]
fn every_connector_does_what_the_header_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let module = root.join("build/package/lib/my-template.so");
    assert!(module.is_file(), "there is no {}: run package.sh", module.display());

    let found = run(Command::new("pkg-config").args(["--cflags-only-I", "plakar-sdk"]));
    let flags = String::from_utf8(found.stdout).unwrap();
    let driver = root.join("build/drive");
    run(Command::new("cc")
        .args(flags.split_whitespace())
        .args(["-std=gnu11", "-O1", "-pthread", "-o"])
        .args([&driver, &root.join("tests/drive.c")])
        .arg("-ldl"));
    let output = run(Command::new("sh").arg(root.join("tests/drive.sh")).args([&driver, &module]));
    print!("{}", String::from_utf8_lossy(&output.stdout));
}
