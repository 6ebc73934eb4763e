#!/usr/bin/env python3
"""Proves that the gates of the connector SDK can fail: makes one mistake after the other in a copy
of sdk/, or of a module, and expects the gate that is there for it to fail and to name what is wrong.

    tests/sdk/canaries.py [DRIVE_PROGRAM]        the last line is `N passed, N failed`

Mistakes that only show when a module runs are left out without the program that drives it.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SDK = HERE.parents[1] / "sdk"

# What, how (a regular expression and its replacement), the gate, and what it must say.
MISTAKES = [
    ("two members change places", r"(  uint32_t mode;[^\n]*\n)(  uint32_t file_attrs;[^\n]*\n)", r"\2\1",
     "abi", "layout: plk_record.mode moved"),
    ("a member gets another type of the same size", r"int32_t sys_errno;", "uint32_t sys_errno;",
     "abi", "layout: plk_error.sys_errno has another type"),
    ("two parameters change places",
     r"(list_open\)\(plk_instance\* instance, plk_call\* call, )(uint32_t ns),\s*(plk_bytes after)", r"\1\3, \2",
     "abi", "signature: plk_storage_ops.list_open changed"),
    ("a member shrinks", r"char vendor\[48\];", "char vendor[40];", "abi", "layout: plk_error.vendor was resized"),
    ("the last member goes", r"  plk_str error_message;[^\n]*\n", "", "abi", "no member named .error_message."),
    ("a type that never grows grows", r"(typedef struct plk_bytes \{)", r"\1\n  uint64_t more;",
     "abi", "layout: plk_bytes changed its size"),
    ("a constant is numbered anew", r"PLK_E_EXISTS = -5,", "PLK_E_EXISTS = -25,",
     "abi", "constant: PLK_E_EXISTS changed"),
    ("the entry takes something else", r"plk_error\* err\);(\s*// --- Extensions)", r"plk_call* call);\1",
     "abi", "signature: the entry changed"),
    ("two parameters of one type change places",
     r"(get\)\(plk_instance\* instance, plk_call\* call, const plk_object\* object,\s*)"
     r"uint64_t offset, void\* buf, uint64_t cap", r"\1uint64_t cap, void* buf, uint64_t offset",
     "tables", "plk_storage_ops, get"),
    ("a member is appended without a word in the ledger", r"(\n\} plk_progress;)", r"\n  uint64_t more;\1",
     "tables", r"\+PLK_MEMBER.plk_progress, more"),
    ("a function is appended without a word in the ledger", r"(\n\} plk_secrets_ops;)",
     r"\n  void(PLK_CALL* more)(plk_instance* instance);\1", "tables", "the newest entry of LEDGER.md"),
    ("a struct is padded", r"(\n\} plk_exit;)", r"\n  uint64_t more;\n  uint32_t last;\1", "padding", "plk_exit|padding"),
    ("what C99 does not have", r"(\n\} plk_exit;)", r"\n  bool more;\1", "standards", "bool"),
    ("a thread tag is forgotten", r"\[instance\] That there is no such", "That there is no such",
     "comments", "a function without a thread tag: plk_status.PLK_CALL. del"),
    ("a lifetime is forgotten", r"; lives until log\(\) returns", "", "comments", "how long does it live. plk_log_record"),
    ("what an output points to is forgotten", r"`\*lister` lives until list_close\(\)\.", "", "comments",
     "how long does what `lister` gets live"),
]

# What a later minor may do: the frozen tables must still hold.
HARMLESS = [
    ("a member is appended", r"(\n\} plk_record;)", r"\n  uint64_t more;\1", "abi"),
    ("a function is appended", r"(\n\} plk_storage_ops;)",
     r"\n  plk_status(PLK_CALL* more)(plk_instance* instance, plk_call* call, plk_error* err);\1", "abi"),
    ("a constant is added", r"(PLK_E_PARTIAL = -24)", r"\1, PLK_E_MORE = -25", "abi"),
]

# In the mirror of the header that the example in Rust has.
RUST_MISTAKES = [
    ("a constant has another value", r"E_EXISTS: Status = -5", "E_EXISTS: Status = -6", "E_EXISTS is -6"),
    ("a member is forgotten", r"    pub rdev: u64,\n", "", "Record has 280 bytes and"),
    ("a size is another", r"size_of::<Plugin>\(\) == 64", "size_of::<Plugin>() == 72", "Plugin has 72 bytes"),
]

GOLDEN_MISTAKES = [
    ("one of them is another", "abi/1.0/golden-*.gz", "is not the one in the ledger"),
    ("the tables are others", "abi/1.0/layout.h", "was built with other tables"),
]

LINK = ["-Wl,--version-script={sdk}/cmake/connector.map", "-Wl,-z,defs"]
STORE = SDK.parent / "examples/c-store/src/store.c"
NOTHING = ("", "")

# What, a change of the example's source, flags instead of those of LINK, and what must be said.
BAD_MODULES = [
    ("exports a function of its own", (r"static (int digit\()", r'__attribute__((visibility("default"))) \1'), [],
     "exports more than the entry: digit"),
    ("does not export the entry", (r"PLK_ENTRY\(const", "other(const"), LINK, "does not export plk_entry_v1"),
    ("does not say who it is", (r"PLK_NOTE\(.*\);", ""), LINK, "has no note"),
    ("says that it is another version", (r'PLK_NOTE\("example-store", "1.0.0"', 'PLK_NOTE("example-store", "1.0.1"'),
     LINK, "its manifest"),
    ("needs a library of its own", NOTHING, LINK + ["-L{scratch}", "-Wl,--no-as-needed", "-lprivate"],
     "needs libprivate.so"),
    ("looks for libraries where it likes", NOTHING, LINK + ["-Wl,-rpath,/tmp"], "has R(UN)?PATH"),
    ("has an executable stack", NOTHING, LINK + ["-Wl,-z,execstack"], "has an executable stack"),
]
# The same for what drive.c must find.
BAD_BEHAVIOUR = [
    ("gives a wrong status", (r"case ENOENT: *\n? *status = PLK_E_NOT_FOUND", "case ENOENT: status = PLK_E_IO"),
     "expected -4, got -11"),
    ("does not compare the major version", (r"args->abi_major != PLK_ABI_MAJOR", "args == NULL"),
     "the entry: .*wrong status"),
    ("writes a newline into a message", (r"(if \(err != NULL\)) (err->sys_errno = code)", r"\1 \2, err->message[0] = '\\n'"),
     "a newline in a message"),
    ("ignores the end of an object", (r"if \(cap > there - offset\).*", "while (cap > there - offset) ((char*)buf)[--cap] = 0, size++;"),
     "got == 2"),
    ("leaves an upload to be seen", (r'"tmp/%ld-%llu"', '"1/00%08ld%08llu"'),
     "count_names"),
    ("replaces what must not be replaced", (r"if_absent \? link\(from, to\) : rename", "0 * if_absent ? 0 : rename"),
     "wrong status"),
    ("crashes where an error is not wanted", (r"if \(err != NULL\) err->sys_errno", "err->sys_errno"),
     "ended with -11|SEGV"),
]


def run_module(scratch: pathlib.Path, change: tuple[str, str], flags: list[str], drive: str | None) -> tuple[int, bool, str]:
    text, count = re.subn(*change, STORE.read_text(), count=1) if change[0] else (STORE.read_text(), 1)
    (scratch / "store.c").write_text(text)
    module = scratch / "example-store.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{SDK}/include", "-w", "-o", module,
                    scratch / "store.c"] + [f.format(sdk=SDK, scratch=scratch) for f in flags], check=True)
    command = [HERE / "check_module.py", module, "--manifest", SDK.parent / "examples/c-store/manifest.yaml"]
    run = subprocess.run(command + (["--drive", drive] if drive else []), capture_output=True, text=True)
    return count, run.returncode == 0, run.stdout + run.stderr


def run_gate(sdk: pathlib.Path, gate: str) -> tuple[bool, str]:
    run = subprocess.run([HERE / "check_header.py", "--sdk", sdk, gate], capture_output=True, text=True)
    return run.returncode == 0, run.stdout + run.stderr


def main() -> int:
    passed = failed = 0
    drive = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "sdk"
        shutil.copytree(SDK, copy)
        shutil.copytree(SDK.parent / "examples", copy.parent / "examples")
        header = copy / "include/plakar/connector.h"
        sound = header.read_text()
        for gate in ("standards", "padding", "abi", "tables", "rust", "comments"):
            ok, output = run_gate(copy, gate)
            passed, failed = passed + ok, failed + (not ok)
            print(f"{'ok    ' if ok else 'FAILED'} the gate `{gate}` passes before anything is changed")
            print(output if not ok else "", end="")
        for what, pattern, replacement, gate, message in MISTAKES:
            changed, count = re.subn(pattern, replacement, sound, count=1)
            header.write_text(changed)
            ok, output = run_gate(copy, gate)
            caught = count == 1 and not ok and re.search(message, output) is not None
            passed, failed = passed + caught, failed + (not caught)
            print(f"{'ok    ' if caught else 'FAILED'} the gate `{gate}` fails when {what}")
            if not caught:
                print("the mistake could not be made: the header has changed" if count != 1 else output)
        for what, pattern, replacement, gate in HARMLESS:
            changed, count = re.subn(pattern, replacement, sound, count=1)
            header.write_text(changed)
            ok, output = run_gate(copy, gate)
            ok = ok and count == 1
            passed, failed = passed + ok, failed + (not ok)
            print(f"{'ok    ' if ok else 'FAILED'} the gate `{gate}` passes when {what}")
            print(output if not ok else "", end="")
        header.write_text(sound)
        mirror = copy.parent / "examples/rust-destination/src/abi.rs"
        sound = mirror.read_text()
        for what, pattern, replacement, message in RUST_MISTAKES:
            changed, count = re.subn(pattern, replacement, sound, count=1)
            mirror.write_text(changed)
            ok, output = run_gate(copy, "rust")
            caught = count == 1 and not ok and re.search(message, output) is not None
            passed, failed = passed + caught, failed + (not caught)
            print(f"{'ok    ' if caught else 'FAILED'} the gate `rust` fails when {what}")
            print(output if not caught else "", end="")
        mirror.write_text(sound)
        for what, file, message in GOLDEN_MISTAKES if drive else []:
            for changed in copy.glob(file):
                before = changed.read_bytes()
                changed.write_bytes(before + b"\n")
                run = subprocess.run([HERE / "golden.py", drive, "--sdk", copy], capture_output=True, text=True)
                changed.write_bytes(before)
            caught = run.returncode != 0 and re.search(message, run.stdout) is not None
            passed, failed = passed + caught, failed + (not caught)
            print(f"{'ok    ' if caught else 'FAILED'} the golden modules fail when {what}")
            print(run.stdout + run.stderr if not caught else "", end="")
        folder = pathlib.Path(scratch)
        (folder / "private.c").write_text("int private_function(void) { return 0; }\n")
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "libprivate.so", folder / "private.c"], check=True)
        count, ok, output = run_module(folder, NOTHING, LINK, drive)
        passed, failed = passed + ok, failed + (not ok)
        print(f"{'ok    ' if ok else 'FAILED'} the check of modules passes before anything is changed")
        print(output if not ok else "", end="")
        wrong = [(what, change, flags, message, None) for what, change, flags, message in BAD_MODULES]
        wrong += [(what, change, LINK, message, drive) for what, change, message in BAD_BEHAVIOUR if drive]
        for what, change, flags, message, program in wrong:
            count, ok, output = run_module(folder, change, flags, program)
            caught = count == 1 and not ok and re.search(message, output) is not None
            passed, failed = passed + caught, failed + (not caught)
            print(f"{'ok    ' if caught else 'FAILED'} the check of modules fails when one {what}")
            if not caught:
                print("the mistake could not be made: the example has changed" if count != 1 else output)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
