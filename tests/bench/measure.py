"""Runs one command at a time and says what it took, on machines that are not quite ours.

Virtual machines disturb in three ways that this guards against:
 - Memory that was free for a while has to be faulted in by the host again (2 to 8 us a page):
   writing 2 GiB then costs seconds. A sparse file is read before each round (`fill_memory`), so
   that memory is never free, but always page cache that can be recycled.
 - Neighbours: a run waits until the machine is idle, and carries how many cores others used.
 - ext4 without a journal steps over every inode deleted in the last minutes, one by one: nothing
   that has many inodes is removed between runs (see compare.py).
"""
import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
MIB = 1 << 20


@dataclasses.dataclass
class Run:
    wall: float = 0.0  # seconds
    cpu: float = 0.0  # seconds, of the command and of what it started
    peak: float = 0.0  # MiB; never less than this script's own, of which a child starts as a copy
    others: float = 0.0  # cores that anyone else used meanwhile
    error: str = ""  # how it failed


def busy_seconds() -> float:
    """CPU time that anyone used since the machine started, and what the host took away."""
    fields = [int(x) for x in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _, _, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / TICKS


def wait_until_quiet(limit: float) -> None:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        before = busy_seconds()
        time.sleep(0.5)
        if busy_seconds() - before < 0.05:
            return


def fill_memory(file: pathlib.Path) -> None:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    file.touch()
    os.truncate(file, total * 85 // 100)
    read_file(str(file))
    file.unlink()


def read_file(path: str) -> None:
    buffer = bytearray(MIB)
    with open(path, "rb", buffering=0) as content:
        while content.readinto(buffer):
            pass


def warm(root: pathlib.Path) -> None:
    """Brings every file into the page cache."""
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                read_file(path)


def helpers(mark: str) -> dict[int, float]:
    """Processes that outlive the command which started them, known by a word of their command
    line, and the seconds of CPU each has used."""
    found = {}
    for directory in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark not in (directory / "cmdline").read_bytes().decode(errors="replace").split("\0"):
                continue
            fields = (directory / "stat").read_text().rsplit(")", 1)[1].split()
            found[int(directory.name)] = (int(fields[11]) + int(fields[12])) / TICKS
        except OSError:
            continue  # It ended while we looked.
    return found


def end_helpers(mark: str) -> None:
    for pid in helpers(mark):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def run(argv: list[str], directory: pathlib.Path, environment: dict, log: pathlib.Path, limit: float,
        helper: str = "") -> Run:
    """One command. Its output goes to `log`; after `limit` seconds it is killed, and has failed."""
    result = Run()
    before = helpers(helper) if helper else {}
    busy = busy_seconds()
    with open(log, "wb") as out:
        begin = time.perf_counter()
        child = subprocess.Popen(argv, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.STDOUT, start_new_session=True)

        def too_late(*_) -> None:
            result.error = f"not finished after {limit:g} s"
            with contextlib.suppress(ProcessLookupError):  # It has just ended.
                os.killpg(child.pid, signal.SIGKILL)

        signal.signal(signal.SIGALRM, too_late)
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        result.wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    used = busy_seconds() - busy
    after = helpers(helper) if helper else {}
    result.cpu = usage.ru_utime + usage.ru_stime + sum(after.values()) - sum(before.get(pid, 0) for pid in after)
    result.peak = usage.ru_maxrss / 1024
    result.others = max(0.0, used - result.cpu) / max(result.wall, 0.01)
    if child.returncode and not result.error:
        last = log.read_text(errors="replace").strip().splitlines()[-3:]
        result.error = f"exit code {child.returncode}: {' / '.join(last)}"
    return result
