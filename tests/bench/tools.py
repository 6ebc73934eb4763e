"""The programs that are compared: how each makes a store, backs up, lists, restores and checks.

Every command runs in the directory that holds the data sets, and names the set as a relative path.
"""
import dataclasses
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSPHRASE = "bench-Passphrase-1"


def many_path(number: int) -> str:
    """Of a file of the set "many", within it."""
    return f"d{number // 100000:03d}/e{number // 1000 % 100:02d}/file_{number:08d}.txt"


@dataclasses.dataclass
class Place:
    """Where one program works on one set."""
    data: pathlib.Path  # the directory with the sets
    set: str
    work: pathlib.Path  # for store, caches and what is restored; of this program and set only
    backups: int = 0

    targets: int = 0

    def new_target(self) -> pathlib.Path:
        """An empty directory to restore to."""
        self.targets += 1
        target = self.work / f"restored-{self.targets}"
        target.mkdir()
        return target

    @property
    def store(self) -> str:
        return str(self.work / "store")

    @property
    def home(self) -> str:
        return str(self.work / "home")


@dataclasses.dataclass
class Command:
    argv: list[str]
    directory: pathlib.Path | None = None  # where not in the directory of the sets


class Tool:
    name = ""
    package = ""  # of Debian
    program = ""

    def missing(self) -> str:
        """Why it cannot run here, or nothing."""
        if shutil.which(self.program):
            return ""
        return f"{self.program}: not installed (apt-get install {self.package})"

    def version(self) -> str:
        return ""

    def environment(self, place: Place) -> dict[str, str]:
        sanitizers = {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        kinds = {f"XDG_{kind}_HOME": f"{place.home}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")}
        return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": place.home} | kinds | sanitizers

    def helper(self, place: Place) -> str:
        """A word that marks the command line of a process it leaves running."""
        return ""

    def output(self, place: Place, argv: list[str]) -> str:
        """Of a command that is not measured."""
        done = subprocess.run(argv, cwd=place.data, env=self.environment(place), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=300)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)}: exit code {done.returncode}: {done.stdout.strip()}")
        return done.stdout

    # To be measured. `path` is one of the set, relative to it.
    def create(self, place: Place) -> None: raise NotImplementedError
    def backup(self, place: Place) -> Command: raise NotImplementedError
    def restore(self, place: Place, target: pathlib.Path, path: str = "") -> Command: raise NotImplementedError
    def check(self, place: Place) -> Command: raise NotImplementedError
    def check_structure(self, place: Place) -> Command: raise NotImplementedError
    def list_all(self, place: Place) -> Command: raise NotImplementedError
    def list_folder(self, place: Place, path: str) -> Command: raise NotImplementedError
    def list_snapshots(self, place: Place) -> Command: raise NotImplementedError

    def restored(self, place: Place, target: pathlib.Path) -> pathlib.Path:
        """Where the set is, after restore()."""
        return target / place.set

    def forget_caches(self, place: Place) -> None:
        shutil.rmtree(place.home, ignore_errors=True)
        os.makedirs(place.home)


class Plakar(Tool):
    """Ours or the genuine one: the commands are the same."""

    def __init__(self, name: str, program: str, options: list[str], plaintext: bool = False):
        self.name = name
        self.program = program
        self.options = options
        self.plaintext = plaintext

    def missing(self) -> str:
        return "" if shutil.which(self.program) else f"{self.program}: no such program"

    def version(self) -> str:
        return subprocess.run([self.program, "version"], capture_output=True, text=True).stdout.strip()

    def environment(self, place: Place) -> dict[str, str]:
        return super().environment(place) | {"PLAKAR_PASSPHRASE": PASSPHRASE}

    def at(self, place: Place, *words: str) -> list[str]:
        return [self.program, *self.options, "-quiet", "at", place.store, *words]

    def snapshot(self, place: Place, path: str = "") -> str:
        return f"latest:{place.data / place.set / path}"

    def create(self, place: Place) -> None:
        self.output(place, self.at(place, "create", *["-plaintext"] * self.plaintext))
        if "-key-cache" in self.options:
            self.output(place, self.at(place, "ls"))  # From here on the key is at hand.

    def backup(self, place: Place) -> Command:
        return Command(self.at(place, "backup", place.set))

    def restore(self, place: Place, target: pathlib.Path, path: str = "") -> Command:
        return Command(self.at(place, "restore", "-to", str(target), self.snapshot(place, path)))

    def restored(self, place: Place, target: pathlib.Path) -> pathlib.Path:
        return target

    def check(self, place: Place) -> Command:
        return Command(self.at(place, "check"))

    def check_structure(self, place: Place) -> Command:
        return Command(self.at(place, "check", "-fast"))

    def list_all(self, place: Place) -> Command:
        return Command(self.at(place, "ls", "-recursive", self.snapshot(place)))

    def list_folder(self, place: Place, path: str) -> Command:
        return Command(self.at(place, "ls", self.snapshot(place, path)))

    def list_snapshots(self, place: Place) -> Command:
        return Command(self.at(place, "ls"))


class Ours(Plakar):
    def missing(self) -> str:
        return super().missing() and f"{self.program}: not built (scripts/build release plakar)"


class Genuine(Plakar):
    def missing(self) -> str:
        if not self.program:
            return f"{self.name}: PLAKAR_REFERENCE names no genuine plakar"
        return super().missing()

    def environment(self, place: Place) -> dict[str, str]:
        return super().environment(place) | {"XDG_CACHE_HOME": place.home}

    def helper(self, place: Place) -> str:
        return f"{place.home}/plakar"  # the word behind -cachedir

    def snapshot(self, place: Place, path: str = "") -> str:
        # It knows no `latest` here; and on one core it loses the end of its output.
        listing = self.output(place, [self.program, "-cpu", str(os.cpu_count()), "at", place.store, "ls"])
        snapshot = next(line.split()[1] for line in listing.splitlines() if line)
        return f"{snapshot}:{place.data / place.set / path}"


class Restic(Tool):
    name = package = program = "restic"

    def version(self) -> str:
        return subprocess.run(["restic", "version"], capture_output=True, text=True).stdout.split(" compiled")[0]

    def environment(self, place: Place) -> dict[str, str]:
        return super().environment(place) | {
            "RESTIC_PASSWORD": PASSPHRASE, "RESTIC_CACHE_DIR": f"{place.home}/restic", "RESTIC_PROGRESS_FPS": "0.01"}

    def at(self, place: Place, *words: str) -> list[str]:
        return ["restic", "-q", "-r", place.store, *words]

    def create(self, place: Place) -> None:
        self.output(place, self.at(place, "init"))

    def backup(self, place: Place) -> Command:
        return Command(self.at(place, "backup", place.set))

    def restore(self, place: Place, target: pathlib.Path, path: str = "") -> Command:
        only = ["--include", f"/{place.set}/{path}"] if path else []
        return Command(self.at(place, "restore", "latest", "--target", str(target), *only))

    def check(self, place: Place) -> Command:
        return Command(self.at(place, "check", "--read-data"))

    def check_structure(self, place: Place) -> Command:
        return Command(self.at(place, "check"))

    def list_all(self, place: Place) -> Command:
        return Command(self.at(place, "ls", "latest"))

    def list_folder(self, place: Place, path: str) -> Command:
        return Command(self.at(place, "ls", "latest", f"/{place.set}/{path}"))

    def list_snapshots(self, place: Place) -> Command:
        return Command(self.at(place, "snapshots"))


class Borg(Tool):
    name = program = "borg"
    package = "borgbackup"

    def version(self) -> str:
        return subprocess.run(["borg", "--version"], capture_output=True, text=True).stdout.strip()

    def environment(self, place: Place) -> dict[str, str]:
        return super().environment(place) | {
            "BORG_PASSPHRASE": PASSPHRASE, "BORG_BASE_DIR": f"{place.home}/borg",
            "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "YES", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}

    def archive(self, place: Place) -> str:
        return f"{place.store}::{place.backups}"

    def create(self, place: Place) -> None:
        self.output(place, ["borg", "init", "-e", "repokey", place.store])

    def backup(self, place: Place) -> Command:
        return Command(["borg", "create", f"{place.store}::{place.backups + 1}", place.set])

    def restore(self, place: Place, target: pathlib.Path, path: str = "") -> Command:
        only = [f"{place.set}/{path}"] if path else []
        return Command(["borg", "extract", self.archive(place), *only], target)

    def check(self, place: Place) -> Command:
        return Command(["borg", "check", "--verify-data", place.store])

    def check_structure(self, place: Place) -> Command:
        return Command(["borg", "check", place.store])

    def list_all(self, place: Place) -> Command:
        return Command(["borg", "list", self.archive(place)])

    def list_folder(self, place: Place, path: str) -> Command:
        return Command(["borg", "list", self.archive(place), f"{place.set}/{path}"])

    def list_snapshots(self, place: Place) -> Command:
        return Command(["borg", "list", place.store])


def all_tools(ours: str) -> dict[str, Tool]:
    genuine = os.environ.get("PLAKAR_REFERENCE", "")
    tools = [
        Ours("ours", ours, []),
        Ours("ours-key", ours, ["-key-cache", "2h"]),
        Ours("ours-plain", ours, [], plaintext=True),
        Restic(),
        Borg(),
        Genuine("genuine", genuine, []),
        Genuine("genuine-all-cores", genuine, ["-cpu", str(os.cpu_count())]),
    ]
    return {tool.name: tool for tool in tools}


# What a machine does without a backup program, for scale: name -> shell command. `$1` is the set,
# `$2` a directory to write to.
YARDSTICKS = {
    "cp": 'cp -a "$1" "$2"',
    "tar+lz4": 'tar -cf - "$1" | lz4 -1 -q - "$2/archive.tar.lz4"',
    "find": 'find "$1" -printf "%i %s %T@ %C@\\n"',
}
