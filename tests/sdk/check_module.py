#!/usr/bin/env python3
"""Checks from outside, without running it, what a module must be; with --drive also drives it.

    tests/sdk/check_module.py MODULE.so [--manifest FILE] [--drive PROGRAM] [--sanitized]

It exports the entry and nothing else, needs no library but those of libc and the compiler, has no
search path, text relocation or executable stack, and carries the note that says who it is. With
--drive every connector of it is driven through the ABI (drive.c), over places made for it.
"""
import argparse
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

ENTRIES = {"plk_entry_v1", "plk_entry_v2"}
LIBRARIES = re.compile(r"(libc|libm|libdl|libpthread|librt|libgcc_s|libstdc\+\+|ld-linux.*|libc\.musl.*)\.so")
SANITIZERS = re.compile(r"lib(asan|ubsan|tsan)\.so")


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout


def note_of(module: pathlib.Path) -> tuple[str, str, tuple[int, ...]] | None:
    with tempfile.TemporaryDirectory() as scratch:
        part = pathlib.Path(scratch) / "note"
        subprocess.run(["objcopy", f"--dump-section=.note.plakar={part}", module, part.with_suffix(".so")],
                       capture_output=True)
        raw = part.read_bytes() if part.exists() else b""
    if len(raw) < 112:
        return None
    namesz, descsz, kind, owner = struct.unpack_from("<III4s", raw)
    if (namesz, descsz, kind, owner) != (4, 96, 1, b"PLK\0"):
        return None
    name, version = raw[32:80].rstrip(b"\0").decode(), raw[80:112].rstrip(b"\0").decode()
    return name, version, struct.unpack_from("<IIII", raw, 16)


def check(module: pathlib.Path, manifest: pathlib.Path | None, sanitized: bool) -> list[str]:
    bad = []
    exported = set()
    for line in output("nm", "-D", "--defined-only", str(module)).splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":   # the name of the version itself
            exported.add(name.split("@")[0])
    strays = exported - ENTRIES
    if strays:
        bad.append(f"exports more than the entry: {' '.join(sorted(strays)[:10])}")
    if not exported & ENTRIES:
        bad.append("does not export plk_entry_v1")
    dynamic = output("readelf", "-dlW", str(module))
    for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
        if not LIBRARIES.match(needed) and not (sanitized and SANITIZERS.match(needed)):
            bad.append(f"needs {needed}: link it statically")
    for what in ("RPATH", "RUNPATH", "TEXTREL"):
        if f"({what})" in dynamic:
            bad.append(f"has {what}")
    if re.search(r"GNU_STACK.* RWE", dynamic):
        bad.append("has an executable stack")
    note = note_of(module)
    if note is None:
        bad.append("has no note that says who it is: PLK_NOTE")
    elif note[2][0] != 1:
        bad.append(f"its note says ABI {note[2][0]}")
    elif manifest:
        text = manifest.read_text()
        wanted = tuple(re.search(rf"^{key}: (\S+)$", text, re.M)[1] for key in ("name", "version"))
        if note[:2] != wanted:
            bad.append(f"its note says {note[:2]}, its manifest {wanted}")
    return bad


def make_tree(root: pathlib.Path) -> None:
    for name, size in (("empty", 0), ("one", 1), ("almost", 999), ("exact", 1000), ("more", 1001), ("large", 300000)):
        (root / name).write_bytes(bytes(i * 7 % 251 for i in range(size)))
    deep = root / "dir with space" / "deeper" / "deepest"
    deep.mkdir(parents=True)
    (deep / "file").write_text("deep")
    (deep / "file").chmod(0o4750)
    os.symlink("../nowhere", root / "dangling")
    os.link(root / "large", deep / "hard")
    os.mkfifo(root / "fifo")
    (root / "nothing").mkdir()
    with open(os.path.join(os.fsencode(root), b"\xff\xfe not UTF-8\n"), "w") as file:
        file.write("x")


def drive(program: str, module: pathlib.Path) -> list[str]:
    bad = []
    with tempfile.TemporaryDirectory() as scratch:
        tree = pathlib.Path(scratch).resolve() / "tree"
        tree.mkdir()
        make_tree(tree)
        listing = subprocess.run([program, str(module), "list"], capture_output=True, text=True)
        if listing.returncode != 0:
            return [f"the entry: ended with {listing.returncode}: {listing.stderr}".rstrip()]
        for number, line in enumerate(listing.stdout.splitlines()):
            kind, name = line.split()
            place = tree if kind == "source" else tree.parent / f"place-{number}"
            command = [program, str(module), kind, name, f"{name}:{place}", str(place)]
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode != 0 or not run.stdout.startswith("ok "):
                bad.append(f"{kind} {name}: ended with {run.returncode}: {run.stdout}{run.stderr}".rstrip())
            else:
                print(run.stdout.rstrip())
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("module", type=pathlib.Path)
    parser.add_argument("--manifest", type=pathlib.Path)
    parser.add_argument("--drive")
    parser.add_argument("--sanitized", action="store_true", help="may need the libraries of the sanitizers")
    args = parser.parse_args()
    bad = check(args.module, args.manifest, args.sanitized)
    if args.drive:
        bad += drive(args.drive, args.module)
    for what in bad:
        print(f"{args.module.name}: {what}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
