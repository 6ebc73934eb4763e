#!/usr/bin/env python3
"""Runs the tests of a built tree and counts what happened, one line at the end.

A doctest program counts as its test cases, any other test as one. The output of what
failed is shown whole. A skip is a line `SKIPPED: why` in a test's output, or ctest's own.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = re.compile(r"\[doctest\] test cases:\s*\d+ \|\s*(\d+) passed \|\s*(\d+) failed")
SKIPPED = re.compile(r"SKIPPED: (.*)")
SHOWN_BYTES = 20 << 20  # of one test's output


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", help="run the tests whose name matches this")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--list", action="store_true", help="print the names of the tests")
    args = parser.parse_args()
    build = ROOT / "build" / args.preset

    ctest = ["ctest", "--test-dir", str(build)]
    if args.name:
        ctest += ["-R", args.name]
    if args.list:
        listing = subprocess.run(ctest + ["-N"], capture_output=True, text=True, check=True).stdout
        print("\n".join(re.findall(r"Test +#\d+: (\S+)", listing)))
        return 0

    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.xml"
        size = ["--test-output-size-passed", str(SHOWN_BYTES), "--test-output-size-failed", str(SHOWN_BYTES)]
        run = subprocess.run(
            ctest + ["-j", str(os.cpu_count() or 2), "--output-junit", str(report)] + size,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if not report.exists():
            print(run.stdout)
            print("0 passed, 1 failed")
            return 1
        cases = xml.parse(report).getroot().findall("testcase")

    passed = failed = 0
    skipped = []
    for case in cases:
        name, output = case.get("name"), case.findtext("system-out") or ""
        ok = case.get("status") == "run"
        skipped += [f"{name}: {why}" for why in SKIPPED.findall(output)]
        if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            if case.get("status") == "notrun" or not SKIPPED.search(output):
                ok = False  # Not built, or skipped without a reason: that is a failure.
            else:
                continue
        counts = CASES.search(output)
        good, bad = (int(n) for n in counts.groups()) if counts else (int(ok), int(not ok))
        if not ok and bad == 0:
            bad = 1  # It crashed, or ran out of time, after its last case.
        passed += good
        failed += bad
        seconds = float(case.get("time") or 0)
        print(f"{'ok    ' if ok else 'FAILED'} {name}  ({good} passed, {seconds:.1f} s)")
        if not ok:
            print(f"----- {name} -----\n{output.rstrip()}\n-----")

    passed -= len(skipped)  # A skipped case returned early; doctest counts it as passed.
    for reason in skipped:
        print(f"SKIPPED {reason}")
    if not cases:
        print(f"no test matches '{args.name}'")
        failed = 1
    if skipped and os.environ.get("PLAKAR_NO_SKIP"):
        print("PLAKAR_NO_SKIP is set: a skipped test is a failure here")
        failed += len(skipped)
    print(f"{passed} passed, {failed} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 1 if failed or run.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
