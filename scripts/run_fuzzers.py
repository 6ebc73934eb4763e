#!/usr/bin/env python3
"""Runs each fuzzer of the `fuzz` build for some seconds, starting from its corpus.

New inputs are thrown away; an input that fails is kept in build/fuzz/crashes and named.
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPUS = ROOT / "tests/fuzz/corpus"
CRASHES = ROOT / "build/fuzz/crashes"


def run(fuzzer: pathlib.Path, seconds: int) -> tuple[str, bool, str]:
    name = fuzzer.name.removesuffix("-fuzz")
    seeds = CORPUS / name
    if not seeds.is_dir() or not any(seeds.iterdir()):
        return name, False, f"no corpus in {seeds.relative_to(ROOT)}"
    with tempfile.TemporaryDirectory() as scratch:
        corpus = shutil.copytree(seeds, pathlib.Path(scratch) / "corpus")
        done = subprocess.run(
            [fuzzer, f"-max_total_time={seconds}", "-rss_limit_mb=1024", "-timeout=20",
             f"-artifact_prefix={CRASHES}/{name}-", corpus],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return name, done.returncode == 0, done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", type=int, nargs="?", default=10)
    parser.add_argument("name", nargs="?", default="", help="only fuzzers whose name contains this")
    args = parser.parse_args()

    CRASHES.mkdir(parents=True, exist_ok=True)
    built = {p.name: p for p in (ROOT / "build/fuzz/bin").glob("*-fuzz")}
    harnesses = sorted(ROOT.glob("tests/fuzz/*_fuzz.cpp"))
    names = [h.name.removesuffix("_fuzz.cpp") + "-fuzz" for h in harnesses if args.name in h.name]
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        missing = [n for n in names if n not in built]
        for name in missing:
            print(f"FAILED {name}: not built")
        failed += len(missing)
        for name, ok, output in pool.map(lambda n: run(built[n], args.seconds), [n for n in names if n in built]):
            last = next((l for l in reversed(output.splitlines()) if l.startswith("Done ")), "")
            print(f"{'ok    ' if ok else 'FAILED'} fuzz.{name}  {last}", flush=True)
            if not ok:
                print(output[-8000:])
            passed += ok
            failed += not ok
    if not names:
        print(f"no fuzzer matches '{args.name}'")
        failed = 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
