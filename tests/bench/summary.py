"""Medians of what compare.py measured, and each beside its goal."""
import dataclasses
import pathlib
import re
import statistics

GOALS = pathlib.Path(__file__).with_name("compare_goals.txt")
MEASURES = {"wall": "s", "cpu": "s", "peak": "MiB", "size": "MB"}
QUIET_CORES = 0.2  # that others may use without a run counting as disturbed
# Scales that the goals of a set are meant for.
GOAL_SCALES = {"source-tree": 1, "big": 1, "vm": 1, "many": 1_000_000, "snapshots": 10_000}


@dataclasses.dataclass
class Row:
    """One operation of one tool on one set."""
    runs: list[dict]
    failures: list[str]

    def of(self, measure: str) -> float | None:
        """The median; of the undisturbed runs where they are at least half."""
        calm = [r for r in self.runs if r["others"] < QUIET_CORES]
        chosen = calm if 2 * len(calm) >= len(self.runs) else self.runs
        values = [r[measure] for r in chosen if measure in r]
        return statistics.median(values) if values else None


Key = tuple[str, str, str]  # set, operation, tool


def collect(records: list[dict]) -> dict[Key, Row]:
    rows: dict[Key, Row] = {}
    for record in records:
        if record["kind"] != "run":
            continue
        row = rows.setdefault((record["set"], record["operation"], record["tool"]), Row([], []))
        if record["error"]:
            row.failures.append(record["error"])
        else:
            row.runs.append(record)
    return rows


def find_row(rows: dict[Key, Row], set_: str, operation: str, tool: str) -> Row | None:
    return rows.get((set_, operation, tool)) or rows.get((set_, "yardstick", tool))


def table(header: list[str], lines: list[list[str]]) -> str:
    widths = [max(len(line[i]) for line in [header] + lines) for i in range(len(header))]
    def show(line: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
    return "\n".join([show(header), "|" + "|".join("-" * (w + 2) for w in widths) + "|"] + [show(l) for l in lines])


def figure(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def medians_table(rows: dict[Key, Row], set_: str) -> str:
    lines = []
    for (name, operation, tool), row in rows.items():
        if name != set_:
            continue
        walls = [r["wall"] for r in row.runs]
        disturbed = sum(r["others"] >= QUIET_CORES for r in row.runs)
        notes = ([f"{disturbed} of {len(walls)} disturbed"] if disturbed else []) + [f"FAILED: {f}" for f in row.failures]
        lines.append([operation, tool, f"{figure(row.of('wall'))} ({min(walls):.2f}-{max(walls):.2f})" if walls else "",
                      figure(row.of("cpu")), figure(row.of("peak"), 0), figure(row.of("size"), 1), "; ".join(notes)])
    return table(["operation", "tool", "wall s (min-max)", "CPU s", "peak MiB", "store MB", ""], lines)


@dataclasses.dataclass
class Goal:
    subject: Key
    measure: str
    other: str  # a tool, or nothing for an absolute figure
    sign: str
    number: float


def read_goals() -> list[Goal]:
    goals = []
    for line in GOALS.read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        tool, operation, set_, measure = words[:4]
        for word in words[4:]:
            other, sign, number = re.fullmatch(r"(.*)(<=|>=)([0-9.]+)", word).groups()
            goals.append(Goal((set_, operation, tool), measure, other, sign, float(number)))
    return goals


def judge(goal: Goal, rows: dict[Key, Row]) -> list[str] | None:
    """A line of the table, or nothing where one of the two was not measured."""
    set_, operation, tool = goal.subject
    row = rows.get(goal.subject)
    ours = row.of(goal.measure) if row else None
    if ours is None:
        return None
    if goal.other:
        row = find_row(rows, set_, operation, goal.other)
        theirs = row.of(goal.measure) if row else None
        if not theirs:
            return None
        found = theirs / max(ours, 1e-9) if goal.sign == ">=" else ours / theirs
        what = f"{goal.other} / {tool}" if goal.sign == ">=" else f"{tool} / {goal.other}"
        shown, wanted = f"{found:.2f} x", f"{goal.sign} {goal.number:g} x"
    else:
        found, what, unit = ours, tool, MEASURES[goal.measure]
        shown, wanted = f"{found:.2f} {unit}", f"{goal.sign} {goal.number:g} {unit}"
    reached = found <= goal.number if goal.sign == "<=" else found >= goal.number
    return [f"{operation}, {goal.measure}", what, shown, wanted, "reached" if reached else "NOT REACHED"]


def summarize(records: list[dict]) -> str:
    rows = collect(records)
    scales = {r["set"]: r["scale"] for r in records if r["kind"] == "set"}
    about = {r["set"]: r["about"] for r in records if r["kind"] == "set"}
    parts, lines, unmeasured = [], [], 0
    for set_ in dict.fromkeys(key[0] for key in rows):
        parts.append(f"### {set_}: {about.get(set_, '')}\n\n{medians_table(rows, set_)}")
        if scales.get(set_) != GOAL_SCALES.get(set_):
            parts.append("Of another size than the goals are for, which are not shown.")
            continue
        judged = [judge(goal, rows) for goal in read_goals() if goal.subject[0] == set_]
        lines += [[set_] + line for line in judged if line]
        unmeasured += judged.count(None)
    if lines:
        reached = sum(line[-1] == "reached" for line in lines)
        parts.append(f"### Goals: {reached} of {len(lines)} reached, {unmeasured} not measured\n\n"
                     + table(["set", "operation", "what", "found", "goal", ""], lines))
    verified = [r for r in records if r["kind"] == "verified"]
    if verified:
        wrong = [r for r in verified if r["error"]]
        parts.append(f"Restored trees compared with the originals: {len(verified)}, different: {len(wrong)}"
                     + "".join(f"\n  {r['set']} {r['tool']}: {r['error']}" for r in wrong))
    parts += [f"MISSING {r['tool']}: {r['why']}" for r in records if r["kind"] == "missing"]
    return "\n\n".join(parts)
