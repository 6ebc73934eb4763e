#!/usr/bin/env python3
"""Runs a transcript: commands with the output and exit code they must have.

    run.py DIRECTORY-OF-PROGRAMS TRANSCRIPT

    # a comment
    $ plakar version            a command, run by sh in a fresh home directory
    plakar/v1.1.4               what it prints on stdout, line by line
    ! a line                    what it prints on stderr
    ? 2                         its exit code, when that is not 0
    ...                         in place of lines: any lines, or none
    open /[...]/x               in a line: any text, or none

Blank lines do not count, here and in the output.
Commands of one transcript share the directory; $HOME and the XDG variables point into it.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

LIMIT_SECONDS = 60


def matches(wanted: list[str], found: list[str]) -> bool:
    if not wanted:
        return not found
    if wanted[0] == "...":
        return any(matches(wanted[1:], found[i:]) for i in range(len(found) + 1))
    return bool(found) and line_matches(wanted[0], found[0]) and matches(wanted[1:], found[1:])


def line_matches(wanted: str, found: str) -> bool:
    if "[...]" not in wanted:
        return wanted == found
    return re.fullmatch(".*".join(re.escape(part) for part in wanted.split("[...]")), found) is not None


def read_steps(transcript: pathlib.Path) -> list[dict]:
    steps = []
    for number, line in enumerate(transcript.read_text().splitlines(), 1):
        if line.startswith("$ "):
            steps.append({"line": number, "command": line[2:], "out": [], "err": [], "code": 0})
        elif line.startswith("#") or not line:
            continue
        elif not steps:
            sys.exit(f"{transcript}:{number}: output before the first command")
        elif line.startswith("! ") or line == "!":
            steps[-1]["err"].append(line[2:])
        elif line.startswith("? "):
            steps[-1]["code"] = int(line[2:])
        else:
            steps[-1]["out"].append(line)
    return steps


def run(step: dict, home: str, environment: dict) -> list[str]:
    done = subprocess.run(["sh", "-c", step["command"]], cwd=home, env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=LIMIT_SECONDS)
    wrong = []
    for name, wanted, found in (("stdout", step["out"], done.stdout), ("stderr", step["err"], done.stderr)):
        lines = [line for line in found.decode(errors="backslashreplace").splitlines() if line]
        if not matches(wanted, lines):
            wrong += [f"  {name} is:"] + [f"    {l}" for l in lines] + ["  and should be:"] + [f"    {l}" for l in wanted]
    if done.returncode != step["code"]:
        wrong.append(f"  exit code is {done.returncode} and should be {step['code']}")
    return wrong


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    programs, transcript = sys.argv[1], pathlib.Path(sys.argv[2])
    steps = read_steps(transcript)
    failures = 0
    with tempfile.TemporaryDirectory(prefix="plakar-cli-") as home:
        environment = {"HOME": home, "PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        environment |= {f"XDG_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CONFIG", "CACHE", "DATA")}
        for step in steps:
            wrong = run(step, home, environment)
            if wrong:
                failures += 1
                print(f"{transcript.name}:{step['line']}: $ {step['command']}")
                print("\n".join(wrong))
    print(f"{len(steps)} commands, {failures} unlike the transcript")
    return 1 if failures or not steps else 0


if __name__ == "__main__":
    sys.exit(main())
