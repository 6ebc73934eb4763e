#!/usr/bin/env python3
"""Proves that the gates of the connector header can fail: makes one mistake after the other in a copy
of sdk/, and expects the gate that is there for it to fail and to name what changed.

    tests/sdk/canaries.py        the last line is `N passed, N failed`
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


def run_gate(sdk: pathlib.Path, gate: str) -> tuple[bool, str]:
    run = subprocess.run([HERE / "check_header.py", "--sdk", sdk, gate], capture_output=True, text=True)
    return run.returncode == 0, run.stdout + run.stderr


def main() -> int:
    passed = failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        copy = pathlib.Path(scratch) / "sdk"
        shutil.copytree(SDK, copy)
        header = copy / "include/plakar/connector.h"
        sound = header.read_text()
        for gate in ("standards", "padding", "abi", "tables", "comments"):
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
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
