#!/usr/bin/env python3
"""Runs the golden modules of every minor: binaries that must work for ever, as they are.

    tests/sdk/golden.py DRIVE_PROGRAM [MODULE.so...] [--sdk DIR]

and the golden hosts beside them over the MODULEs, which are of today.

Their digests stand in sdk/LEDGER.md, so that nobody mends a module instead of the host; and they were
built with the tables beside them, so that before a release nobody forgets to build them anew.
"""
import argparse
import hashlib
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drive")
    parser.add_argument("modules", nargs="*", type=pathlib.Path)
    parser.add_argument("--sdk", type=pathlib.Path, default=HERE.parents[1] / "sdk")
    args = parser.parse_args()
    ledger = dict(re.findall(r"^Golden (\S+): `(\w+)`$", (args.sdk / "LEDGER.md").read_text(), re.M)[::-1])
    bad = []
    ours = 0
    for tables in sorted(args.sdk.glob("abi/*/layout.h")):
        minor = tables.parent
        sets = list(minor.glob("golden-*.tar.gz"))
        if not sets:
            bad.append(f"{minor.name} has no golden modules")
        for archive in sets:
            name = f"{minor.name}/{archive.name}"
            if ledger.get(name) != hashlib.sha256(archive.read_bytes()).hexdigest():
                bad.append(f"{name} is not the one in the ledger")
                continue
            with tempfile.TemporaryDirectory() as scratch:
                with tarfile.open(archive) as tar:
                    for entry in tar:
                        (pathlib.Path(scratch) / pathlib.Path(entry.name).name).write_bytes(tar.extractfile(entry).read())
                parts = [(minor / part).read_bytes() for part in ("layout.h", "signatures.h", "constants.h")]
                if (pathlib.Path(scratch) / "TABLES").read_text().strip() != hashlib.sha256(b"".join(parts)).hexdigest():
                    bad.append(f"{name} was built with other tables: sdk/abi/make_golden.py")
                    continue
                if not archive.name.startswith(f"golden-{platform.machine()}-"):
                    continue
                modules = sorted(pathlib.Path(scratch).glob("*.so"))
                ours += len(modules)
                host = pathlib.Path(scratch) / "drive"
                host.chmod(0o755)
                pairs = [(module, args.drive) for module in modules] + [(module, host) for module in args.modules]
                for module, drive in pairs:
                    run = subprocess.run([HERE / "check_module.py", module, "--drive", drive],
                                         capture_output=True, text=True)
                    how = "its host over" if drive == host else "its module"
                    print(f"{'ok' if run.returncode == 0 else 'FAILED'} {name}, {how} {module.name}")
                    if run.returncode:
                        bad.append(run.stdout + run.stderr)
    if ours == 0 and not bad:
        print(f"SKIPPED: there are no golden modules for {platform.machine()}")
    print("\n".join(bad))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
