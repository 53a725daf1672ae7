"""The results, as JSON and as the table that docs/performance.md takes."""
import dataclasses
import json
import math
import pathlib

from bench.figures import machine, plot

BEGIN = "<!-- figures: written by scripts/bench --update-docs -->"
END = "<!-- end of figures -->"
DOCS = machine.ROOT / "docs/performance.md"
PLOT = "images/figures.svg"  # beside the document


def number(value):
    if abs(value) < 1e-9 or not math.isfinite(value):
        return str(round(value)) if math.isfinite(value) else str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 6)}f}"


def goal_of(figure):
    if figure.goal is None:
        return ""
    return (f"{'at least' if figure.at_least else 'at most'} {number(figure.goal)} "
            f"{figure.unit}").strip()


def state_of(figure):
    return {None: "", True: "yes", False: "**no**"}[figure.met()]


def to_markdown(about, figures, unable):
    lines = [f"{about['date']}, {about['cpu']}, {about['cores']} cores, kernel {about['kernel']}, "
             f"load {about['load']:.1f} at the beginning, commit {about['commit']}, "
             f"`{about['command']}`. Medians of {about['rounds']} alternating rounds of "
             f"{about['seconds']:g} s; *yardstick* is what was measured beside it in the same run, "
             "*ratio* the figure to it round by round, *noise* how far the yardstick's own rounds "
             "are apart.",
             "",
             "| row | figure | value | goal | met | yardstick | ratio | noise | |",
             "|---|---|---|---|---|---|---|---|---|"]
    for figure in figures:
        cells = [figure.row, figure.what, f"{number(figure.value)} {figure.unit}".strip(),
                 goal_of(figure), state_of(figure), yardstick_of(figure),
                 "" if figure.ratio is None else number(figure.ratio), noise_of(figure),
                 figure.note]
        lines.append(f"| {' | '.join(cells)} |")
    for row, reason in unable.items():
        lines.append(f"| {row} | not measured | | | | | | | {in_a_cell(reason)} |")
    return "\n".join(lines) + "\n"


def yardstick_of(figure):
    if figure.beside is None:
        return figure.yardstick
    name, _, unit = figure.yardstick.rpartition(", ")
    return f"{name or figure.yardstick}: {number(figure.beside)} {unit if name else ''}".strip()


def noise_of(figure):
    return "" if figure.noise is None else f"{figure.noise * 100:.0f} %"


def in_a_cell(text):
    return " ".join(text.replace("|", "/").split())[:300]


def to_line(figure):
    """For whoever watches."""
    text = f"  {figure.what}: {number(figure.value)} {figure.unit}".rstrip()
    if figure.goal is not None:
        text += f" (goal: {goal_of(figure)}; {'met' if figure.met() else 'NOT met'})"
    extras = [part for part in (yardstick_of(figure), figure.note) if part]
    if figure.ratio is not None:
        extras.append(f"ratio {number(figure.ratio)}")
    if figure.noise is not None:
        extras.append(f"noise {noise_of(figure)}")
    return text + ("\n      " + "; ".join(extras) if extras else "")


def write(folder, about, figures, unable):
    folder.mkdir(parents=True, exist_ok=True)
    document = {"about": about, "figures": [dict(dataclasses.asdict(figure), met=figure.met())
                                            for figure in figures], "not_measured": unable}
    (folder / "figures.json").write_text(json.dumps(document, indent=1) + "\n")
    text = to_markdown(about, figures, unable)
    (folder / "figures.md").write_text(text)
    (folder / "figures.svg").write_text(plot.to_svg(figures))
    return text


def update_docs(text, figures, path: pathlib.Path = DOCS):
    """The table and, beside the document, the plot."""
    document = path.read_text()
    begin, end = document.index(BEGIN) + len(BEGIN), document.index(END)
    text = f"![Figures and their goals]({PLOT})\n\n{text}"
    path.write_text(document[:begin] + "\n\n" + text + "\n" + document[end:])
    (path.parent / PLOT).parent.mkdir(exist_ok=True)
    (path.parent / PLOT).write_text(plot.to_svg(figures))
