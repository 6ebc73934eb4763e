#!/usr/bin/env python3
"""Kills the real program with SIGKILL at random moments, and looks at the store after each.

    kill9.py DIRECTORY-OF-PROGRAMS [--rounds N] [--seed N] [--encrypted] [--keep DIRECTORY]

Rounds of `plakar backup`, now and then of rm, maintenance, restore and sync to another store, each
killed somewhere between its first instruction and a little after its usual end. After each the
store must open, list every snapshot that was acknowledged (its backup had exit code 0) and none
that was removed, and `check` must find it sound; so must the other store, after a sync. Now and
then, and at the end, snapshots of both are restored and compared with the tree they were made of.

A killed program leaves its lock, which goes stale after ten minutes; here the lock is removed
instead of waiting. What a loss of power does is for tests/faults: the kernel outlives this.
"""
import argparse
import hashlib
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

SNAPSHOTS_MAX = 8  # more make every check longer, and find nothing more
LIMIT_SECONDS = 60  # of one command
REMOVING = {"rm", "maintenance"}


class Failure(Exception):
    pass


class Program:
    def __init__(self, directory: str, home: pathlib.Path, encrypted: bool):
        self.home = home
        self.path = pathlib.Path(directory).resolve() / "plakar"
        self.environment = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC",
                            # Else maintenance would only mark what it is to remove a week later.
                            "PLAKAR_GRACEPERIOD": "0s"}
        if encrypted:
            self.environment["PLAKAR_PASSPHRASE"] = "of a store that is killed"
        # What sanitizers are told stays as it is.
        self.environment |= {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        self.log = []  # of the last commands

    def start(self, *arguments: str) -> subprocess.Popen:
        self.log = self.log[-8:] + [" ".join(arguments)]
        return subprocess.Popen([self.path, *arguments], cwd=self.home, env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def run(self, *arguments: str) -> str:
        started = self.start(*arguments)
        try:
            out = started.communicate(timeout=LIMIT_SECONDS)[0].decode(errors="backslashreplace")
        except subprocess.TimeoutExpired:
            kill(started)
            raise Failure(f"plakar {' '.join(arguments)} did not end")
        if started.returncode != 0:
            told = "\n".join(line for line in out.splitlines() if "OK ✓" not in line)
            raise Failure(f"plakar {' '.join(arguments)} ended with {started.returncode}:\n{told}")
        return out


def kill(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def digest(tree: pathlib.Path) -> str:
    """Of names, modes, times and contents below `tree`."""
    found = hashlib.sha256()
    for path in sorted(tree.rglob("*")):
        stat = path.lstat()
        found.update(f"{path.relative_to(tree)}\0{stat.st_mode:o}\0{stat.st_mtime_ns}\0".encode())
        if path.is_symlink():
            found.update(os.readlink(path).encode())
        elif path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


class Run:
    def __init__(self, program: Program, rng: random.Random, encrypted: bool):
        self.program = program
        self.rng = rng
        self.create = ("create",) if encrypted else ("create", "-plaintext")
        self.tree = program.home / "tree"
        self.store = program.home / "store"
        self.peer = program.home / "peer"  # of other MACs, so that everything is read and written
        # Snapshots by whole id: of those that are acknowledged, the digest of their tree; None for
        # those whose backup was killed when it had published them already.
        self.snapshots: dict[str, str | None] = {}
        self.copies: dict[str, str | None] = {}  # the same of the other store
        self.seconds: dict[str, list[float]] = {}  # of commands that were left to end
        self.killed = self.ended = self.restored = self.unasked = self.swept = self.copied = 0
        known = program.run("help")
        self.known = {name for name in REMOVING if f"\n  {name} " in known}

    def begin(self) -> None:
        for directory in range(4):
            (self.tree / f"directory-{directory}").mkdir(parents=True)
        for file in range(60):
            self.write(file, self.rng.randrange(20_000))
        (self.tree / "link").symlink_to("directory-0")
        self.at_store(*self.create)
        self.start_peer()

    def write(self, file: int, size: int) -> None:
        (self.tree / f"directory-{file % 4}" / f"file-{file}").write_bytes(self.rng.randbytes(size))

    def change_tree(self) -> None:
        for _ in range(self.rng.randrange(8)):
            self.write(self.rng.randrange(60), self.rng.randrange(20_000))
        if self.rng.random() < 0.7:
            self.write(60, self.rng.randrange(4_000_000))

    def at_store(self, *arguments: str) -> str:
        return self.program.run("at", str(self.store), *arguments)

    def listed(self, store: pathlib.Path | None = None) -> list[str]:
        """The whole ids of the snapshots, newest first."""
        out = self.program.run("at", str(store or self.store), "ls", "-uuid")
        return [line.split()[1] for line in out.splitlines()]

    def start_peer(self) -> None:
        shutil.rmtree(self.peer, ignore_errors=True)
        self.copies.clear()
        self.program.run("at", str(self.peer), "create", "-plaintext", "-hashing", "SHA256")

    def attempt(self, kind: str, *arguments: str) -> bool:
        """Runs a command and perhaps kills it. Whether it ended well."""
        # The first of its kind is left to end, to know how long that takes, and so are some later
        # ones: it changes with the load of the machine and with what there is to do.
        usual = statistics.median(self.seconds[kind][-5:]) if kind in self.seconds else None
        is_killed = usual is not None and self.rng.random() < 0.8
        limit = self.rng.uniform(0, 1.4 * usual) if is_killed else LIMIT_SECONDS
        begun = time.monotonic()
        process = self.program.start("at", str(self.store), *arguments)
        try:
            out = process.communicate(timeout=limit)[0]
        except subprocess.TimeoutExpired:
            kill(process)
            if not is_killed:
                raise Failure(f"plakar {' '.join(arguments)} did not end")
            self.program.log[-1] += f"   (killed after {limit * 1000:.1f} ms)"
            self.killed += 1
            for store in (self.store, self.peer):
                for lock in (store / "locks").iterdir():
                    lock.unlink()
            return False
        if process.returncode != 0:
            raise Failure(f"plakar {' '.join(arguments)} ended with {process.returncode}:\n{out.decode()}")
        self.ended += 1
        self.swept += b" packfiles were removed" in out and b" 0 packfiles were" not in out
        self.seconds.setdefault(kind, []).append(time.monotonic() - begun)
        return True

    def look(self) -> None:
        """After each round."""
        listed = set(self.listed())
        if lost := set(self.snapshots) - listed:
            raise Failure(f"lost: {' '.join(lost)}")
        self.at_store("check")

    def back_up(self) -> None:
        self.change_tree()
        tree = digest(self.tree)
        done = self.attempt("backup", "backup", "tree")
        new = set(self.listed()) - set(self.snapshots)
        if len(new) > 1 or (done and not new):
            raise Failure(f"one backup made {len(new)} snapshots")
        self.unasked += not done and len(new)
        # Also what nobody was told about is complete once it is listed.
        self.snapshots |= {id: tree for id in new}

    def remove(self) -> None:
        id = self.rng.choice(list(self.snapshots))
        done = self.attempt("rm", "rm", "-apply", id)
        tree = self.snapshots.pop(id)
        if id in self.listed():
            if done:
                raise Failure(f"removed, and still there: {id}")
            self.snapshots[id] = tree

    def restore(self) -> None:
        shutil.rmtree(self.program.home / "killed", ignore_errors=True)
        self.attempt("restore", "restore", "-to", "killed", self.rng.choice(list(self.snapshots)))

    def sync(self) -> None:
        if len(self.copies) >= SNAPSHOTS_MAX:
            self.start_peer()
        done = self.attempt("sync", "sync", "to", str(self.peer))
        listed = set(self.listed(self.peer))
        if lost := set(self.copies) - listed:
            raise Failure(f"lost from the other store: {' '.join(lost)}")
        if unknown := listed - set(self.copies) - set(self.snapshots):
            raise Failure(f"nobody copied these: {' '.join(unknown)}")
        if done and (missing := set(self.snapshots) - listed):
            raise Failure(f"synchronized, and not there: {' '.join(missing)}")
        self.copied += len(listed - set(self.copies))
        self.copies |= {id: self.snapshots[id] for id in listed - set(self.copies)}
        self.program.run("at", str(self.peer), "check")

    def compare(self, store: pathlib.Path, id: str, tree: str | None) -> None:
        restored = self.program.home / "restored"
        self.program.run("at", str(store), "restore", "-to", str(restored), id)
        if digest(restored) != tree:
            raise Failure(f"restored otherwise than backed up: {id}")
        shutil.rmtree(restored)
        self.restored += 1

    def start_anew(self) -> None:
        """For a program without rm."""
        shutil.rmtree(self.store)
        self.snapshots.clear()
        self.at_store(*self.create)

    def round(self, number: int) -> None:
        if len(self.snapshots) >= SNAPSHOTS_MAX:
            self.remove() if "rm" in self.known else self.start_anew()
        elif self.snapshots and number % 10 == 4:
            self.restore()
        elif self.snapshots and number % 10 == 9 and "rm" in self.known:
            self.remove()
        elif self.snapshots and number % 10 in (3, 6):
            self.sync()
        elif number % 10 in (2, 7) and "maintenance" in self.known:
            self.attempt("maintenance", "maintenance")
        else:
            self.back_up()
        self.look()
        if self.snapshots and number % 20 == 0:
            self.compare_one(self.store, self.snapshots)
            self.compare_one(self.peer, self.copies)

    def compare_one(self, store: pathlib.Path, snapshots: dict[str, str | None]) -> None:
        if snapshots:
            id = self.rng.choice(list(snapshots))
            self.compare(store, id, snapshots[id])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", help="directory of the programs")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--encrypted", action="store_true", help="each command derives a key, which takes its time")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--keep", help="where to leave everything after a failure")
    args = parser.parse_args()
    print(f"seed {args.seed}")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="plakar-kill9-") as home:
        program = Program(args.programs, pathlib.Path(home), args.encrypted)
        number = 0
        try:
            run = Run(program, random.Random(args.seed), args.encrypted)
            run.begin()
            for number in range(1, args.rounds + 1):
                run.round(number)
            for store, snapshots in ((run.store, run.snapshots), (run.peer, run.copies)):
                for id, tree in snapshots.items():
                    run.compare(store, id, tree)
        except Failure as failure:
            print(f"round {number}: {failure}\nbefore it:")
            print("\n".join(f"  plakar {command}" for command in program.log))
            if args.keep:
                shutil.copytree(home, args.keep, symlinks=True)
            return 1
    print(f"{args.rounds} rounds in {time.monotonic() - begun:.0f} s: {run.killed} killed, {run.ended} ended before; "
          f"{run.unasked} snapshots were complete although their backup was killed; {run.copied} copied; {run.restored} restored and compared; "
          f"maintenance removed packfiles {run.swept} times")
    for absent in sorted(REMOVING - run.known):
        print(f"without {absent}, which this program does not know")
    # The first of each kind are never killed.
    return 0 if run.killed >= max(1, args.rounds // 4 - 4) else 1


if __name__ == "__main__":
    sys.exit(main())
