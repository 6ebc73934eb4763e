#!/usr/bin/env python3
"""Makes the frozen tables of the connector ABI, or says in what the header differs from them.

    sdk/abi/tables.py --check      fails, with the differences, when header, tables and ledger disagree
    sdk/abi/tables.py --write      writes the tables anew and prints the line for the ledger

abi/MAJOR.MINOR/ has three tables, which sdk/abi/check.c compiles into assertions: layout.h (each
member's type, offset and size), signatures.h (each function's parameters), constants.h. A minor that
was released keeps its tables for good, and every later header must satisfy them. The digest of the
newest ones is in sdk/LEDGER.md, so that nobody changes the ABI without saying why.

    --header FILE, --abi DIR, --ledger FILE    others than those of this tree
"""
import argparse
import difflib
import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

SDK = pathlib.Path(__file__).resolve().parent.parent
TABLES = ("layout.h", "signatures.h", "constants.h")


def without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def squeeze(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


class Header:
    """What the header declares, in order. It is simple on purpose, and so is this parser: what it does
    not understand is an error, not something to pass over."""

    def __init__(self, path: pathlib.Path):
        text = without_comments(path.read_text())
        self.structs: dict[str, list[tuple[str, str]]] = {}  # name: [(type, member)]
        self.functions: list[tuple[str, str, str]] = []  # struct, member, type
        self.constants: list[str] = []
        self.strings: list[str] = []
        for name, body, again in re.findall(r"typedef struct (\w+) \{(.*?)\n\} (\w+);", text, re.S):
            if name != again:
                sys.exit(f"{path}: typedef of {name} is called {again}")
            self.structs[name] = [self.member(path, name, m) for m in body.split(";") if m.strip()]
        declared = re.findall(r"\bstruct (\w+) \{", text)
        if declared != list(self.structs):
            sys.exit(f"{path}: structs not understood: {set(declared) ^ set(self.structs)}")
        for body in re.findall(r"enum \{(.*?)\}", text, re.S):
            self.constants += [squeeze(c).split(" ")[0] for c in body.split(",") if c.strip()]
        for name, value in re.findall(r"^#define (PLK_\w+) +(\S.*)$", text, re.M):
            if value.startswith('"'):
                self.strings.append(name)
            elif re.match(r"\(UINT64_C|0x|\d", value) and name != "PLK_ABI_MINOR":
                self.constants.append(name)

    def member(self, path, struct: str, text: str) -> tuple[str, str]:
        text = squeeze(text)
        function = re.fullmatch(r"(.*?) ?\(PLK_CALL ?\* ?(\w+)\)\((.*)\)", text)
        if function:
            result, name, parameters = function.groups()
            self.functions.append((struct, name, f"{result} (PLK_CALL*)({parameters})"))
            return "function", name
        plain = re.fullmatch(r"(.*?[ *])(\w+)(\[\d+\])?", text)
        if not plain:
            sys.exit(f"{path}: member of {struct} not understood: {text}")
        return squeeze(plain[1]) + ("*" if plain[3] else ""), plain[2]


def numbers(header: Header, path: pathlib.Path, compiler: str) -> dict[str, int]:
    """Offsets, sizes and values, as the compiler has them."""
    lines = ["#include <stdio.h>", f'#include "{path.resolve()}"', "int main(void) {"]
    for struct, members in header.structs.items():
        lines.append(f'printf("{struct} %zu\\n", sizeof({struct}));')
        for _, member in members:
            lines.append(f'printf("{struct}.{member} %zu\\n", offsetof({struct}, {member}));')
            lines.append(f'printf("{struct}.{member}+ %zu\\n", sizeof((({struct}*)0)->{member}));')
    lines += [f'printf("{c} %lld\\n", (long long)({c}));' for c in header.constants]
    lines.append("return 0; }")
    with tempfile.TemporaryDirectory() as scratch:
        source, program = pathlib.Path(scratch) / "numbers.c", pathlib.Path(scratch) / "numbers"
        source.write_text("\n".join(lines))
        subprocess.run([compiler, "-std=c11", "-o", program, source], check=True)
        output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {key: int(value) for key, value in (line.split() for line in output.splitlines())}


def make_tables(path: pathlib.Path, compiler: str) -> dict[str, str]:
    header = Header(path)
    number = numbers(header, path, compiler)
    made = "// Frozen: made by sdk/abi/tables.py, compiled by sdk/abi/check.c.\n// clang-format off\n"
    # Elements of arrays have no struct_size: their comment says that they grow.
    strided = set(re.findall(r"with a stride(?:[^\n]*\n// )?[^\n]*\ntypedef struct (\w+)", path.read_text()))
    layout = [made]
    for struct, members in header.structs.items():
        grows = struct in strided or any(member == "struct_size" for _, member in members)
        layout.append(f"PLK_{'GROWS' if grows else 'CLOSED'}({struct}, {number[struct]})\n")
        for kind, name in members:
            at, size = number[f"{struct}.{name}"], number[f"{struct}.{name}+"]
            what = f"PLK_POINTER({struct}, {name}, {at})" if kind == "function" else \
                f"PLK_MEMBER({struct}, {name}, {at}, {size}, {kind})"
            layout.append(what + "\n")
    signatures = [made] + [f"PLK_FUNCTION({s}, {m}, {t})\n" for s, m, t in header.functions]
    constants = [made] + [f"PLK_CONSTANT({c}, {number[c]})\n" for c in header.constants]
    text = without_comments(path.read_text())
    for name in header.strings:
        value = re.search(rf'^#define {name} +(".*")', text, re.M)[1]
        constants.append(f"PLK_STRING({name}, {value})\n")
    return dict(zip(TABLES, ("".join(layout), "".join(signatures), "".join(constants))))


def digest(tables: dict[str, str]) -> str:
    return hashlib.sha256("".join(tables[name] for name in TABLES).encode()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", action="store_true")
    action.add_argument("--write", action="store_true")
    parser.add_argument("--header", type=pathlib.Path, default=SDK / "include/plakar/connector.h")
    parser.add_argument("--abi", type=pathlib.Path, default=SDK / "abi")
    parser.add_argument("--ledger", type=pathlib.Path, default=SDK / "LEDGER.md")
    parser.add_argument("--cc", default="cc")
    args = parser.parse_args()

    version = ".".join(re.findall(r"#define PLK_ABI_M\w+OR (\d+)u", args.header.read_text()))
    tables = make_tables(args.header, args.cc)
    line = f"Tables {version}: `{digest(tables)}`"
    if args.write:
        (args.abi / version).mkdir(parents=True, exist_ok=True)
        for name, text in tables.items():
            (args.abi / version / name).write_text(text)
        print(line)
        return 0

    bad = []
    for name, text in tables.items():
        frozen = args.abi / version / name
        old = frozen.read_text() if frozen.exists() else ""
        if old != text:
            bad.append(f"{args.header.name} declares what abi/{version}/{name} does not have, or the other way round:")
            bad += [d for d in difflib.unified_diff(old.splitlines(), text.splitlines(), lineterm="", n=0)][2:]
    recorded = re.findall(r"^Tables .*$", args.ledger.read_text(), re.M) if args.ledger.exists() else []
    if line not in recorded[:1]:
        bad.append(f"the newest entry of {args.ledger.name} must say why this ABI is as it is, and have the line\n{line}")
    print("\n".join(bad) or f"header, tables and ledger of {version} agree")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
