"""The results, as JSON and as the table that docs/performance.md takes."""
import dataclasses
import json
import math
import pathlib
import textwrap

from bench.figures import machine, plot
from bench.figures.measure import Figure

BEGIN = "<!-- figures: written by scripts/bench --update-docs -->"
END = "<!-- end of figures -->"
DOCS = machine.ROOT / "docs/performance.md"
PLOT = "images/figures.svg"  # beside the document
DATA = "figures.json"  # the same
LINE = 120
LOAD_MAX = 0.5  # of a machine that does nothing else, before a run
EXPLANATION = (
    "Medians over the rounds of the run with that number; *yardstick* is what was measured beside "
    "it in the same run, *ratio* the figure to it round by round, *noise* how far the yardstick's "
    "own rounds are apart.")


# By row: what others took when they were measured on a machine like those that have rows here.
OTHERS = {
    "stage": "mediasoup 3.27: 5 to 7 µs; Galène: 6.5 to 10; Janus tuned: 6.5 to 9, as Debian has "
             "it: 20",
    "memory": "110 to 370 KB", "join": "1.4 to 12 ms", "delay": "2 to 5 ms"}
OTHERS_EXPLANATION = (
    "Beside other servers, as they were measured on a machine like this one with 100 to 200 "
    "viewers over loopback (where there is one range, mediasoup, Galène and Janus together; tuned: "
    "its libsrtp on OpenSSL, one event loop):")


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


def document_of(about, figures, unable):
    """What one run measured. Each row says which of the document's runs it is of."""
    return {"runs": [about],
            "figures": [dict(dataclasses.asdict(figure), met=figure.met(), run=0)
                        for figure in figures],
            "not_measured": {row: {"reason": reason, "run": 0} for row, reason in unable.items()}}


def rows_of(document):
    return {entry["row"] for entry in document["figures"]} | set(document["not_measured"])


def merged(kept, new, order):
    """The new document with those rows of the kept one that it does not have, in their order."""
    fresh = rows_of(new)
    document = {"runs": [], "figures": [], "not_measured": {}}

    def take(entry, source):
        about = source["runs"][entry["run"]]
        if about not in document["runs"]:
            document["runs"].append(about)
        return {**entry, "run": document["runs"].index(about)}

    for row in order:
        source = new if row in fresh else kept
        document["figures"] += [take(entry, source) for entry in source["figures"]
                                if entry["row"] == row]
        if row in source["not_measured"]:
            document["not_measured"][row] = take(source["not_measured"][row], source)
    return document


def figures_of(document):
    fields = {field.name for field in dataclasses.fields(Figure)}
    return [Figure(**{name: value for name, value in entry.items() if name in fields})
            for entry in document["figures"]]


def about_run(number, about):
    idle = "" if about["load"] <= LOAD_MAX else " (the machine was not idle)"
    text = (f"{number}. {about['date']}, {about['cpu']}, {about['cores']} cores, kernel "
            f"{about['kernel']}, load {about['load']:.1f} at the beginning{idle}, commit "
            f"{about['commit']}, rounds: {about['rounds']} of {about['seconds']:g} s: "
            f"`{about['command']}`")
    return textwrap.fill(text, LINE, subsequent_indent="   ", break_long_words=False,
                         break_on_hyphens=False)


def to_markdown(document):
    """Medians, each with the number of its run."""
    lines = [*(about_run(number, about) for number, about in enumerate(document["runs"], 1)), "",
             *textwrap.wrap(EXPLANATION, LINE), "",
             "| row | figure | value | goal | met | yardstick | ratio | noise | run | |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for figure, entry in zip(figures_of(document), document["figures"], strict=True):
        cells = [figure.row, figure.what, f"{number(figure.value)} {figure.unit}".strip(),
                 goal_of(figure), state_of(figure), yardstick_of(figure),
                 "" if figure.ratio is None else number(figure.ratio), noise_of(figure),
                 str(entry["run"] + 1), figure.note]
        lines.append(f"| {' | '.join(cells)} |")
    for row, entry in document["not_measured"].items():
        lines.append(f"| {row} | not measured | | | | | | | {entry['run'] + 1} "
                     f"| {in_a_cell(entry['reason'])} |")
    return "\n".join(lines + beside_others(document)) + "\n"


def beside_others(document):
    """The first figure of each row that others have, too, and the command that gives it."""
    first = {}
    for figure in figures_of(document):
        first.setdefault(figure.row, figure)
    rows = [f"| {first[row].what} | {theirs} | {number(first[row].value)} {first[row].unit} "
            f"| `scripts/bench {row}` |" for row, theirs in OTHERS.items() if row in first]
    if not rows:
        return []
    return ["", *textwrap.wrap(OTHERS_EXPLANATION, LINE), "", "| figure | others | Simpul | by |",
            "|---|---|---|---|", *rows]


def to_json(document):
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


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


def write(folder, document):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures.json").write_text(to_json(document))
    (folder / "figures.md").write_text(to_markdown(document))
    (folder / "figures.svg").write_text(plot.to_svg(figures_of(document)))


def update_docs(document, order, path: pathlib.Path = DOCS):
    """The table and, beside the document, the plot and what both are made of. Rows that were not
    measured now stay as they are."""
    data = path.parent / DATA
    if data.exists():
        document = merged(json.loads(data.read_text()), document, order)
    text = path.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    table = f"![Figures and their goals]({PLOT})\n\n{to_markdown(document)}"
    path.write_text(text[:begin] + "\n\n" + table + "\n" + text[end:])
    data.write_text(to_json(document))
    (path.parent / PLOT).parent.mkdir(exist_ok=True)
    (path.parent / PLOT).write_text(plot.to_svg(figures_of(document)))
