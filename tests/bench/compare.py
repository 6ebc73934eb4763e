#!/usr/bin/env python3
"""Compares our plakar with restic, borg and a genuine plakar, and with the goals.

  compare.py                          the data sets source-tree, big and vm, 3 rounds
  compare.py --scale 1000000          one snapshot of a million files
  compare.py --snapshots 10000        a store of many snapshots
  compare.py --smoke                  tries itself on tiny sets, with our program only
  compare.py --show FILE...           prints the tables of earlier runs again

Tools: ours; ours-key (with -key-cache); ours-plain (no encryption); restic; borg; genuine and
genuine-all-cores (the program that $PLAKAR_REFERENCE names, on all cores but one as it does by
itself, or on all). README.md beside this says how the measuring is kept honest.
"""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import measure
import summary
import tools

HERE = pathlib.Path(__file__).resolve().parent
SETS = ["source-tree", "big", "vm"]
OPERATIONS = ["initial", "unchanged", "restore", "check", "incremental"]
TOOLS = ["ours", "ours-key", "restic", "borg", "genuine", "genuine-all-cores"]
SCALE_TOOLS = ["ours", "ours-key"]  # The others need hours for ten thousand snapshots.
FREE_BYTES = 20 << 30  # that the data sets, stores and restored trees of a round fit in
MANY_INODES = {"source-tree", "many", "snapshots"}
FEW_SNAPSHOTS = 10  # that opening a store of many snapshots is compared with
SAMPLES = 3  # of operations that cost little, within a round


class Comparison:
    """Where results go, and what every run has in common."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.directory = args.dir
        self.data = args.dir / "data"
        self.records: list[dict] = []
        self.failed = False
        self.round = 1
        self.left_behind: list[pathlib.Path] = []
        self.directory.mkdir(parents=True, exist_ok=True)
        stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
        self.results = self.directory / f"results-{stamp}.jsonl"

    def record(self, kind: str, **fields) -> None:
        self.records.append({"kind": kind} | fields)
        with open(self.results, "a") as out:
            out.write(json.dumps(self.records[-1]) + "\n")

    def say(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def measured(self, set_: str, operation: str, tool: str, argv: list[str], directory: pathlib.Path,
                 environment: dict, helper: str = "", store: str = "") -> bool:
        if not self.args.smoke:
            os.sync()
            measure.wait_until_quiet(self.args.quiet_limit)
        run = measure.run(argv, directory, environment, self.directory / "log", self.args.limit, helper)
        fields = vars(run) | ({"size": size_of(store) / 1e6} if store and not run.error else {})
        self.record("run", round=self.round, set=set_, operation=operation, tool=tool, **fields)
        self.failed |= bool(run.error)
        verdict = f"FAILED: {run.error}" if run.error else f"{run.wall:.2f} s, CPU {run.cpu:.2f} s, {run.peak:.0f} MiB"
        self.say(f"round {self.round} {set_} {tool} {operation}: {verdict}")
        return not run.error

    def dataset(self, action: str, name: str, scale: float | None = None) -> None:
        # A process of its own, which leaves this one small: a child starts as large as its parent.
        more = ["--scale", repr(scale)] if scale is not None else []
        subprocess.run([sys.executable, HERE / "datasets.py", action, self.data, name, *more], check=True)

    def digest(self, name: str) -> str:
        return subprocess.run([sys.executable, HERE / "datasets.py", "digest", self.data, name], check=True,
                              capture_output=True, text=True).stdout

    def make_set(self, name: str, scale: float, shown_scale: float) -> None:
        self.say(f"making {name}, unless it is there")
        self.dataset("make", name, scale)
        if name in ("source-tree", "vm"):
            self.dataset("revert", name)
        about = json.loads((self.data / f"{name}.json").read_text())
        self.record("set", set=name, scale=shown_scale, about=f"{about['files']:,} files, {about['bytes'] / 1e6:,.0f} MB")

    def available(self, wanted: list[str]) -> list[tools.Tool]:
        known = tools.all_tools(str(self.args.ours))
        found = []
        for name in wanted:
            why = known[name].missing()
            if why:
                self.miss(name, why)
            else:
                found.append(known[name])
                self.record("tool", tool=name, version=known[name].version())
        return found

    def miss(self, name: str, why: str) -> None:
        self.record("missing", tool=name, why=why)
        self.say(f"MISSING {name}: {why}")

    @contextlib.contextmanager
    def place(self, tool: tools.Tool, set_: str):
        """A directory for one tool and set, with an empty store. It goes at once, or with the next
        round where removing it would slow down what creates files soon after."""
        work = self.directory / "work" / f"{self.round}-{set_}-{tool.name}"
        shutil.rmtree(work, ignore_errors=True)
        place = tools.Place(self.data, set_, work)
        os.makedirs(place.home)
        try:
            tool.create(place)
            yield place
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            self.failed |= tool.name != "ours-key"
            self.miss(tool.name, str(error))
        finally:
            if tool.helper(place):
                measure.end_helpers(tool.helper(place))
            if set_ in MANY_INODES:
                self.left_behind.append(work)
            else:
                shutil.rmtree(work)

    def settle(self) -> None:
        """Before a round: what the last one left goes, and has time to be forgotten."""
        left, self.left_behind = self.left_behind, []
        for work in left:
            shutil.rmtree(work, ignore_errors=True)
        if left and self.args.settle:
            self.say(f"waiting {self.args.settle} s after removing what the last round made")
            os.sync()
            time.sleep(self.args.settle)
        if self.args.ballast:
            measure.fill_memory(self.directory / "ballast")

    def operation(self, tool: tools.Tool, place: tools.Place, name: str, command: tools.Command) -> bool:
        backup = name in ("initial", "unchanged", "incremental")
        done = self.measured(place.set, name, tool.name, command.argv, command.directory or place.data,
                             tool.environment(place), tool.helper(place), place.store if backup else "")
        place.backups += backup and done
        return done

    def restore(self, tool: tools.Tool, place: tools.Place, name: str, path: str = "") -> None:
        """Restores, and in the first round compares with the original."""
        target = place.new_target()
        if self.operation(tool, place, name, tool.restore(place, target, path)) and self.round == 1 and not path:
            self.verify(tool, place, target)

    def verify(self, tool: tools.Tool, place: tools.Place, target: pathlib.Path) -> None:
        difference = subprocess.run(["diff", "-r", "--no-dereference", place.data / place.set, tool.restored(place, target)],
                                    capture_output=True, text=True, errors="replace")
        error = (difference.stdout + difference.stderr)[:300] if difference.returncode else ""
        self.record("verified", set=place.set, tool=tool.name, error=error)
        if error:
            self.failed = True
            self.say(f"DIFFERENT after restore: {place.set} {tool.name}: {error}")


def size_of(directory: str) -> int:
    return sum(os.lstat(os.path.join(d, name)).st_size for d, _, names in os.walk(directory) for name in names)


def rotated(things: list, by: int) -> list:
    by %= len(things)
    return things[by:] + things[:by]


# ---- the data sets

def run_tool(comparison: Comparison, tool: tools.Tool, set_: str, operations: list[str]) -> None:
    root = comparison.data / set_
    if set_ != "source-tree":
        # borg reads the newest file of a backup again the next time; that shall not be a big one.
        time.sleep(0.1)
        (root / "newest").write_bytes(b"")
        time.sleep(0.1)
    measure.warm(root)
    with comparison.place(tool, set_) as place:
        if not comparison.operation(tool, place, "initial", tool.backup(place)):
            return
        if "unchanged" in operations:
            comparison.operation(tool, place, "unchanged", tool.backup(place))
        if "restore" in operations:
            comparison.restore(tool, place, "restore")
        if "check" in operations:
            comparison.operation(tool, place, "check", tool.check(place))
        if "incremental" in operations and set_ != "big":
            comparison.dataset("edit", set_)
            try:
                measure.warm(root)
                if comparison.operation(tool, place, "incremental", tool.backup(place)) and comparison.round == 1:
                    target = place.new_target()
                    command = tool.restore(place, target)
                    subprocess.run(command.argv, cwd=command.directory or place.data, env=tool.environment(place),
                                   stdin=subprocess.DEVNULL, capture_output=True)
                    comparison.verify(tool, place, target)
            finally:
                comparison.dataset("revert", set_)


def run_yardsticks(comparison: Comparison, set_: str) -> None:
    for name, command in tools.YARDSTICKS.items():
        work = comparison.directory / "work" / f"{comparison.round}-{set_}-{name}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        measure.warm(comparison.data / set_)
        comparison.measured(set_, "yardstick", name, ["sh", "-c", command, "sh", set_, str(work)], comparison.data,
                            dict(os.environ))
        if set_ in MANY_INODES:
            comparison.left_behind.append(work)
        else:
            shutil.rmtree(work)


def compare_sets(comparison: Comparison, sets: list[str], wanted: list[str], operations: list[str], scale: float) -> None:
    available = comparison.available(wanted)
    for set_ in sets:
        comparison.make_set(set_, scale, scale)
    for comparison.round in range(1, comparison.args.rounds + 1):
        comparison.settle()
        for set_ in sets:
            for tool in rotated(available, comparison.round - 1) if available else []:
                run_tool(comparison, tool, set_, operations)
            if comparison.args.yardsticks:
                run_yardsticks(comparison, set_)


# ---- many files, many snapshots

def compare_scale(comparison: Comparison, files: int, wanted: list[str]) -> None:
    comparison.make_set("many", files / 1_000_000, files)
    some = tools.many_path(files // 2)
    for comparison.round in range(1, comparison.args.rounds + 1):
        comparison.settle()
        for tool in comparison.available(wanted):
            measure.warm(comparison.data / "many")
            with comparison.place(tool, "many") as place:
                if not comparison.operation(tool, place, "initial", tool.backup(place)):
                    continue
                comparison.operation(tool, place, "unchanged", tool.backup(place))
                for _ in range(SAMPLES):
                    comparison.operation(tool, place, "list-all", tool.list_all(place))
                    comparison.operation(tool, place, "list-folder", tool.list_folder(place, os.path.dirname(some)))
                    comparison.restore(tool, place, "restore-file", some)
                comparison.operation(tool, place, "check-structure", tool.check_structure(place))


def compare_snapshots(comparison: Comparison, count: int, wanted: list[str]) -> None:
    tiny = comparison.data / "snapshots"
    tiny.mkdir(parents=True, exist_ok=True)
    comparison.record("set", set="snapshots", scale=count, about=f"{count:,} snapshots of one small file")
    comparison.settle()
    for tool in comparison.available(wanted):
        with comparison.place(tool, "snapshots") as place:
            make_snapshots(comparison, tool, place, count)


def make_snapshots(comparison: Comparison, tool: tools.Tool, place: tools.Place, count: int) -> None:
    def opened(name: str) -> None:
        for _ in range(SAMPLES):
            comparison.measured("snapshots", "open", name, tool.list_folder(place, "").argv, place.data,
                                tool.environment(place), tool.helper(place))

    end = time.monotonic() + comparison.args.snapshots_limit
    for number in range(1, count + 1):
        (place.data / "snapshots" / "file").write_text(f"{number}\n")
        tool.output(place, tool.backup(place).argv)
        place.backups += 1
        if number == min(FEW_SNAPSHOTS, count):
            opened(f"{tool.name}-with-{number}")
        if number % 500 == 0:
            comparison.say(f"{tool.name}: {number} of {count} snapshots")
        if time.monotonic() > end:
            comparison.failed = True
            comparison.say(f"{tool.name}: only {number} snapshots in {comparison.args.snapshots_limit:.0f} s")
            comparison.record("set", set="snapshots", scale=number, about=f"{number:,} snapshots of one small file")
            break
    opened(tool.name)
    for _ in range(SAMPLES):
        comparison.operation(tool, place, "list-snapshots", tool.list_snapshots(place))
        comparison.operation(tool, place, "unchanged", tool.backup(place))
    for _ in range(SAMPLES):
        if tool.helper(place):
            measure.end_helpers(tool.helper(place))
        tool.forget_caches(place)
        comparison.operation(tool, place, "first-sync", tool.list_snapshots(place))


# ---- a trial of all that

def smoke(args: argparse.Namespace) -> int:
    """Every path through this script on tiny sets; fails where one does."""
    with tempfile.TemporaryDirectory(prefix="plakar-compare-") as scratch:
        args.dir, args.rounds, args.ballast, args.settle = pathlib.Path(scratch), 1, False, 0
        comparison = Comparison(args)
        compare_sets(comparison, SETS, ["ours-plain"], OPERATIONS, 0.005)
        before = [comparison.digest(name) for name in SETS]
        for name in ("source-tree", "vm"):
            comparison.dataset("edit", name)
        edited = [comparison.digest(name) for name in SETS]
        for name in ("source-tree", "vm"):
            comparison.dataset("revert", name)
        assert before == [comparison.digest(name) for name in SETS], "a set is not what it was, edited and reverted"
        assert before[0] != edited[0] and before[2] != edited[2], "a set was edited, and is the same"
        compare_scale(comparison, 2500, ["ours-plain"])
        compare_snapshots(comparison, 12, ["ours-plain"])
        args.yardsticks = False
        compare_sets(comparison, ["vm"], ["ours-key"], ["unchanged"], 0.005)
        print(summary.summarize(comparison.records))

        wrong = [r for r in comparison.records if r.get("error")]
        runs = [r for r in comparison.records if r["kind"] == "run"]
        verified = [r for r in comparison.records if r["kind"] == "verified"]
        assert not comparison.failed and not wrong, wrong
        assert len(runs) >= 30 and len(verified) >= 5, (len(runs), len(verified))
    # Verdicts, on figures made up.
    run = {"kind": "run", "set": "vm", "operation": "initial", "wall": 2.0, "cpu": 5.6, "peak": 50, "others": 0,
           "size": 570, "error": ""}
    text = summary.summarize([{"kind": "set", "set": "vm", "scale": 1, "about": ""}, run | {"tool": "ours"},
                              run | {"tool": "ours", "wall": 90, "others": 1.5}, run | {"tool": "restic", "wall": 5.0},
                              run | {"tool": "borg", "wall": 5.0}])
    for pattern in (r"2\.00 s .*reached", "restic / ours .*2.50 x .*>= 2.7 x .*NOT REACHED", "borg / ours .*>= 2.3 x .*reached",
                    "5.60 s .*NOT REACHED"):
        assert re.search(pattern, text), f"{pattern} is not in\n{text}"
    print("the script works")
    return 0


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def one_of(known: list[str]):
    def parse(text: str) -> list[str]:
        words = [word for word in text.split(",") if word]
        for word in words:
            if word not in known:
                raise argparse.ArgumentTypeError(f"{word} is none of {', '.join(known)}")
        return words
    return parse


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    parser.add_argument("--dir", type=pathlib.Path, default=cache / "plakar-bench",
                        help="for data sets, stores and results; %(default)s")
    parser.add_argument("--ours", type=pathlib.Path, default=tools.ROOT / "build/release/bin/plakar")
    parser.add_argument("--sets", type=one_of(SETS), help="comma-separated; all of " + ",".join(SETS))
    parser.add_argument("--tools", type=one_of(list(tools.all_tools(""))),
                        help=f"comma-separated; {','.join(TOOLS)}, and {','.join(SCALE_TOOLS)} for files and snapshots")
    parser.add_argument("--operations", type=one_of(OPERATIONS), default=OPERATIONS, help=",".join(OPERATIONS))
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--scale", type=positive, metavar="FILES", help="files in one snapshot")
    parser.add_argument("--snapshots", type=positive, metavar="N", help="snapshots in one store")
    parser.add_argument("--limit", type=float, default=900, metavar="SECONDS", help="for one command; %(default)s")
    parser.add_argument("--snapshots-limit", type=float, default=3600, metavar="SECONDS",
                        help="for making the snapshots; %(default)s")
    parser.add_argument("--quiet-limit", type=float, default=240, metavar="SECONDS",
                        help="how long to wait for an idle machine before each command; %(default)s")
    parser.add_argument("--settle", type=float, default=75, metavar="SECONDS",
                        help="to wait between rounds; %(default)s")
    parser.add_argument("--no-ballast", dest="ballast", action="store_false", help="do not fill memory before a round")
    parser.add_argument("--no-yardsticks", dest="yardsticks", action="store_false", help="no cp, tar, find")
    parser.add_argument("--set-scale", type=float, default=1, metavar="FACTOR", help="sets of another size, to try things")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--show", nargs="+", type=pathlib.Path, metavar="FILE")
    args = parser.parse_args()
    if args.show:
        print(summary.summarize([json.loads(line) for file in args.show for line in file.read_text().splitlines()]))
        return 0
    args.ours = args.ours.absolute()
    if args.smoke:
        return smoke(args)
    args.dir = args.dir.absolute()
    comparison = Comparison(args)
    if args.set_scale >= 1 and shutil.disk_usage(args.dir).free < FREE_BYTES:
        parser.error(f"{args.dir} has less than {FREE_BYTES >> 30} GiB free")
    # Whoever ends this with a signal still gets the data sets put back, and what was measured.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compare: terminated"))
    try:
        if args.sets or not (args.scale or args.snapshots):
            compare_sets(comparison, args.sets or SETS, args.tools or TOOLS, args.operations, args.set_scale)
        if args.scale:
            compare_scale(comparison, args.scale, args.tools or SCALE_TOOLS)
        if args.snapshots:
            compare_snapshots(comparison, args.snapshots, args.tools or SCALE_TOOLS)
    finally:
        shutil.rmtree(comparison.directory / "work", ignore_errors=True)
        print(summary.summarize(comparison.records))
        print(f"\n{comparison.results}")
    return 1 if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main())
