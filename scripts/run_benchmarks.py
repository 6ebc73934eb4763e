#!/usr/bin/env python3
"""Runs the micro-benchmarks and prints each against its goal, as tests/bench/goals.txt says.

A goal compares a benchmark with a figure or with another benchmark of the same run: clocks
of shared machines drift, ratios much less. Nothing fails here for being slow.
"""
import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/bin/plakar-bench"
GOALS = ROOT / "tests/bench/goals.txt"


def medians(filter_: str, repetitions: int) -> dict[str, dict]:
    run = subprocess.run(
        [PROGRAM, f"--benchmark_filter={filter_}", f"--benchmark_repetitions={repetitions}",
         "--benchmark_enable_random_interleaving=true", "--benchmark_report_aggregates_only=true",
         "--benchmark_min_time=0.1", "--benchmark_format=json"],
        stdout=subprocess.PIPE, text=True, check=True)
    rows = json.loads(run.stdout)["benchmarks"]
    return {r["run_name"]: r for r in rows if r.get("aggregate_name") == "median"}


RATES = {"GB/s": ("bytes_per_second", 1e9), "M/s": ("items_per_second", 1e6)}


def shown(row: dict) -> str:
    rates = [f"{row[key] / scale:.2f} {unit}" for unit, (key, scale) in RATES.items() if key in row]
    return ", ".join(rates) or f"{row['real_time']:.0f} {row['time_unit']}"


def speed(row: dict) -> float:
    """Higher is faster, whatever the benchmark counts."""
    return row.get("bytes_per_second") or row.get("items_per_second") or 1 / row["real_time"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("filter", nargs="?", default=".", help="a regular expression")
    parser.add_argument("--repetitions", type=int, default=5)
    args = parser.parse_args()

    rows = medians(args.filter, args.repetitions)
    for name, row in rows.items():
        print(f"{name:<52} {shown(row):>26}")
    print()
    for line in GOALS.read_text().splitlines():
        # NAME >= NUMBER UNIT            e.g. blake3_keyed/1048576 >= 4.5 GB/s
        # NAME >= NUMBER x OTHER         e.g. lz4_compress/text >= 0.95 x lz4_compress_library/text
        words = line.split("#")[0].split()
        if not words or words[0] not in rows:
            continue
        name, _, wanted, unit = words[:4]
        if unit == "x":
            other = words[4]
            if other not in rows:
                continue
            found = speed(rows[name]) / speed(rows[other])
            what = f"x {other}"
        else:
            key, scale = RATES[unit]
            found = rows[name][key] / scale
            what = unit
        verdict = "met   " if found >= float(wanted) else "MISSED"
        print(f"{verdict} {name}: {found:.2f} {what}, goal >= {wanted}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
