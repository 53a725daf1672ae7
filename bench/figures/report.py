"""The results, as JSON and as the table that docs/performance.md takes."""
import dataclasses
import json
import math
import pathlib

from bench.figures import machine

BEGIN = "<!-- figures: written by scripts/bench --update-docs -->"
END = "<!-- end of figures -->"
DOCS = machine.ROOT / "docs/performance.md"


def number(value):
    if value == 0 or not math.isfinite(value):
        return str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 6)}f}"


def goal_of(figure):
    if figure.goal is None:
        return ""
    return f"{'at least' if figure.at_least else 'at most'} {number(figure.goal)} {figure.unit}"


def state_of(figure):
    return {None: "", True: "yes", False: "**no**"}[figure.met()]


def to_markdown(about, figures, unable):
    lines = [f"{about['date']}, {about['cpu']}, {about['cores']} cores, kernel {about['kernel']}, "
             f"load {about['load']:.1f} at the beginning, commit {about['commit']}, "
             f"`{about['command']}`. Medians of {about['rounds']} alternating rounds of "
             f"{about['seconds']:g} s; *noise* is how far the yardstick's own rounds are apart.",
             "",
             "| row | figure | value | goal | met | beside it | noise |",
             "|---|---|---|---|---|---|---|"]
    for figure in figures:
        noise = "" if figure.noise is None else f"{figure.noise * 100:.0f} %"
        beside = "; ".join(part for part in (figure.yardstick, figure.note) if part)
        lines.append(f"| {figure.row} | {figure.what} | {number(figure.value)} {figure.unit} | "
                     f"{goal_of(figure)} | {state_of(figure)} | {beside} | {noise} |")
    for row, reason in unable.items():
        lines.append(f"| {row} | not measured | | | | {reason} | |")
    return "\n".join(lines) + "\n"


def to_line(figure):
    """For whoever watches."""
    text = f"  {figure.what}: {number(figure.value)} {figure.unit}".rstrip()
    if figure.goal is not None:
        text += f" (goal: {goal_of(figure).strip()}; {'met' if figure.met() else 'NOT met'})"
    extras = [part for part in (figure.yardstick, figure.note) if part]
    if figure.noise is not None:
        extras.append(f"noise {figure.noise * 100:.0f} %")
    return text + ("\n      " + "; ".join(extras) if extras else "")


def write(folder, about, figures, unable):
    folder.mkdir(parents=True, exist_ok=True)
    document = {"about": about, "figures": [dict(dataclasses.asdict(figure), met=figure.met())
                                            for figure in figures], "not_measured": unable}
    (folder / "figures.json").write_text(json.dumps(document, indent=1) + "\n")
    text = to_markdown(about, figures, unable)
    (folder / "figures.md").write_text(text)
    return text


def update_docs(text, path: pathlib.Path = DOCS):
    document = path.read_text()
    begin, end = document.index(BEGIN) + len(BEGIN), document.index(END)
    path.write_text(document[:begin] + "\n\n" + text + "\n" + document[end:])
