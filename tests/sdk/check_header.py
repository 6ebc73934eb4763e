#!/usr/bin/env python3
"""The gates of the public headers, each by its name.

    tests/sdk/check_header.py [--sdk DIR] GATE...

    standards   both headers, and what uses them, compile in every language and standard,
                with gcc and clang, without warnings
    padding     no struct has implicit padding
    abi         every frozen layout, signature and constant holds, with gcc and clang, on x86_64 and aarch64
    tables      the newest tables and the ledger are those of this header
    rust        what examples/rust-destination repeats of the header is what the tables say
    comments    every function has a thread tag, and everything that points says how long it lives
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import compilers

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
CXX_WARNINGS = ["-Wold-style-cast", "-Wnon-virtual-dtor", "-Woverloaded-virtual", "-Wextra-semi"]
TAG = re.compile(r"\[(load|pure|any|instance|host: any|host: blocks|"
                 r"serial: (instance|scan|reader|export|writer|upload|lister)(, overlaps)?)\]")


def compile_all(commands: list[list[str]]) -> list[str]:
    running = [(c, subprocess.Popen(c, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
               for c in commands]
    bad = []
    for command, process in running:
        output = process.communicate()[0]
        if process.returncode:
            bad.append(" ".join(command) + "\n" + output.rstrip())
    return bad


class Gates:
    def __init__(self, sdk: pathlib.Path, scratch: pathlib.Path):
        self.sdk = sdk
        self.header = sdk / "include/plakar/connector.h"
        self.include = f"-I{sdk / 'include'}"
        self.scratch = scratch

    def source(self, name: str, text: str) -> str:
        path = self.scratch / name
        path.write_text(text)
        return str(path)

    @staticmethod
    def machines() -> list[tuple[str, list[str]]]:
        """Compilers and flags for this machine, and for the others: what the header includes is clang's own."""
        found = compilers.c_compilers()
        others = ("x86_64-linux-gnu", "x86_64-linux-musl", "aarch64-linux-gnu")
        return [(cc, []) for cc in found.values()] + \
            [(found["clang"], [f"--target={other}", "-ffreestanding", "-nostdlibinc"]) for other in others]

    def standards(self) -> list[str]:
        c = self.source("alone.c", "#include <plakar/connector.h>\n")
        cxx = self.source("alone.cpp", "#include <plakar/connector.hpp>\n")
        check = ["-fsyntax-only", self.include] + WARNINGS
        jobs = [[cc, f"-std={s}"] + check + [c] for cc in compilers.c_compilers().values()
                for s in compilers.C_STANDARDS]
        jobs += [[cc, f"-std={s}"] + check + CXX_WARNINGS + ["-x", "c++", c]
                 for cc in compilers.cxx_compilers().values() for s in compilers.CXX_STANDARDS]
        # Templates are compiled where they are used: golden.cpp uses nearly all.
        jobs += [[cc, f"-std={s}"] + check + CXX_WARNINGS + [source]
                 for cc in compilers.cxx_compilers().values() for s in compilers.CXX_STANDARDS
                 for source in (cxx, str(self.sdk / "abi/golden/golden.cpp"))]
        return compile_all(jobs)

    def padding(self) -> list[str]:
        c = self.source("padded.c", "#include <plakar/connector.h>\n")
        check = ["-fsyntax-only", self.include, "-Wpadded", "-Werror"]
        return compile_all([[cc] + more + check + [c] for cc, more in self.machines()] +
                           [[cc] + check + ["-x", "c++", c] for cc in compilers.cxx_compilers().values()])

    def abi(self) -> list[str]:
        jobs = []
        for tables in sorted(p for p in (self.sdk / "abi").iterdir() if (p / "layout.h").exists()):
            named = [f'-DPLK_{name.upper()}="{tables / name}.h"' for name in ("layout", "signatures", "constants")]
            jobs += [[cc, "-std=c11", "-fsyntax-only", self.include] + more + named + [str(self.sdk / "abi/check.c")]
                     for cc, more in self.machines()]
        return compile_all(jobs) if jobs else [f"there are no frozen tables below {self.sdk / 'abi'}"]

    def tables(self) -> list[str]:
        sdk = self.sdk
        return compile_all([[sys.executable, str(sdk / "abi/tables.py"), "--check"]])

    def rust(self) -> list[str]:
        """The mirror has other names for a few things; sizes, numbers of members and values must agree."""
        mirror = (self.sdk.parent / "examples/rust-destination/src/abi.rs").read_text()
        newest = max(self.sdk.glob("abi/*/layout.h")).parent
        layout = (newest / "layout.h").read_text()
        known = dict(re.findall(r"PLK_CONSTANT\((\w+), (-?\d+)\)", (newest / "constants.h").read_text()))
        bad = []
        for name, text in re.findall(r"pub const (\w+): \w+ = ([^;]+);", mirror):
            value = eval(text.replace("_", ""), {"__builtins__": {}})  # numbers and shifts
            if known.get(f"PLK_{name}") != str(value):
                bad.append(f"abi.rs: {name} is {value}, PLK_{name} is {known.get(f'PLK_{name}')}")
        for name, size in re.findall(r"size_of::<(\w+)>\(\) == (\d+)\)", mirror):
            struct = "plk_" + re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
            fields = len(re.findall(r"^    pub \w+:", re.search(rf"pub struct {name} \{{(.*?)^\}}", mirror, re.S | re.M)[1], re.M))
            members = len(re.findall(rf"^PLK_(?:MEMBER|POINTER)\({struct},", layout, re.M))
            if not re.search(rf"^PLK_(GROWS|CLOSED)\({struct}, {size}\)", layout, re.M) or fields != members:
                bad.append(f"abi.rs: {name} has {size} bytes and {fields} members, {struct} other ones ({members})")
        return bad or ([] if known else ["there are no constants to compare with"])

    def comments(self) -> list[str]:
        bad = []
        seen: list[str] = []   # the comment lines above
        struct, whole = None, ""
        for number, line in enumerate(self.header.read_text().splitlines(), 1):
            where = f"connector.h:{number}"
            stripped = line.strip()
            if stripped.startswith("//"):
                seen.append(stripped)
                continue
            whole += " " + stripped
            if stripped and not re.search(r"[;{}]\s*(//.*)?$", stripped) and not stripped.startswith("#"):
                continue   # goes on in the next line
            comment = " ".join(seen) + whole[whole.find("//"):] * ("//" in whole)
            code = whole.split("//")[0].strip()
            if code.startswith("typedef struct") and code.endswith("{"):
                struct, above = code.split()[2], comment
                if struct in ("plk_str", "plk_bytes"):
                    struct = None   # said for the type as a whole, in `above`
            elif code.startswith("}"):
                struct = None
            elif "(PLK_CALL" in code or code.startswith("PLK_EXPORT "):
                if not TAG.search(comment):
                    bad.append(f"{where}: a function without a thread tag: {code}")
                outputs = [o for o in re.findall(r"(?:\*\*|_batch\*|plk_bytes\*) ?(\w+)", code)
                           if not re.search(rf"const plk_bytes\* {o}\b", code)]
                if outputs and not re.search(r"\blives?\b", comment):
                    bad.append(f"{where}: how long does what `{outputs[0]}` gets live? {code}")
            elif struct and re.match(r"(const )?\w+[ *]", code) and (
                    "*" in code or re.match(r"plk_(str|bytes)\b", code)):
                if not re.search(r"\b[Ll]ives?\b", comment):
                    bad.append(f"{where}: how long does it live? {struct}: {code}")
            seen, whole = [], ""
        if not TAG.search(self.header.read_text()):
            bad.append("no tags at all: the header is not understood")
        return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sdk", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2] / "sdk")
    parser.add_argument("gates", nargs="+", choices=["standards", "padding", "abi", "tables", "rust", "comments"])
    args = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for gate in args.gates:
            bad = getattr(Gates(args.sdk.resolve(), pathlib.Path(scratch)), gate)()
            failed = failed or bool(bad)
            print(f"{'FAILED' if bad else 'ok'} {gate}")
            print("\n".join(bad), end="\n" if bad else "")
    return failed


if __name__ == "__main__":
    sys.exit(main())
