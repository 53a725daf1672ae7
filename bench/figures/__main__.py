"""Measures the rows that are asked for. Called by scripts/bench, which builds what they need."""
import argparse
import dataclasses
import pathlib
import shlex
import signal
import subprocess
import sys
import time

from bench.figures import arrivals, counting, forwarding, load, machine, others, people, report

ROWS = {
    "stage": forwarding.stage,
    "burst": forwarding.burst,
    "cm80": forwarding.cm80,
    "audio": forwarding.audio,
    "pairs-workers": forwarding.pairs_workers,
    "janus": others.against_janus,
    "growth": forwarding.growth,
    "two-workers": forwarding.two_workers,
    "delay": people.delay,
    "starvation": people.starvation,
    "listeners": people.listeners,
    "join": people.join,
    "storm": people.storm,
    "arrivals": arrivals.arrivals,
    "pairs": forwarding.pairs,
    "memory": people.memory,
    "count": counting.count,
}
QUICK = ["count"]
QUICK_PACKETS = 200_000


@dataclasses.dataclass
class Context:
    """How long and how large everything is."""
    rounds: int
    seconds: float
    scale: float
    packets: int

    def scaled(self, people_count):
        return max(4, round(people_count * self.scale))


def parse(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", description=(
        "Measures what the relay costs on this machine, each figure beside its yardstick in the "
        "same run. For figures worth keeping, leave the machine alone meanwhile. Exit status 1 "
        "when a row could not be measured or the egress allocates, locks or makes a system call "
        "for each packet; not when a figure of time misses its goal."))
    parser.add_argument("rows", nargs="*", metavar="ROW",
                        help="of " + ", ".join(ROWS) + " (without any: stage and count)")
    parser.add_argument("--all", action="store_true", help="all rows, and the microbenchmarks")
    parser.add_argument("--quick", action="store_true",
                        help="what does not depend on time, with fewer packets")
    parser.add_argument("--rounds", type=int, default=3, help="alternating ones (3)")
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement (3)")
    parser.add_argument("--scale", type=float, default=1,
                        help="of the largest crowds, for slow machines (1)")
    parser.add_argument("--out", type=pathlib.Path, default=machine.ROOT / "build/bench",
                        help="folder of figures.json, figures.md and figures.svg (build/bench)")
    parser.add_argument("--update-docs", action="store_true",
                        help="put the rows and their plot into docs/performance.md; rows that "
                             "are not measured now stay there")
    options = parser.parse_args(arguments)
    unknown = [row for row in options.rows if row not in ROWS]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}")
    return options


def microbenchmarks():
    for path in sorted((machine.BUILD / "bench").glob("*_bench")):
        print(f"\n{path.name}", flush=True)
        status = subprocess.run([path, "--benchmark_min_time=0.02"], stderr=subprocess.DEVNULL,
                                check=False).returncode
        if status != 0:
            print(f"{path.name} ended with status {status}", flush=True)


def one_line(error):
    """Why a row was not measured, for the table."""
    text = " ".join(str(error).split())
    stderr = " ".join(str(getattr(error, "stderr", None) or "").split())
    return f"{type(error).__name__}: {text} {stderr}".strip()[:300]


def measure(rows, context, keep=lambda figures, unable: None):
    """A row that cannot be measured, for whatever reason, fails alone. After each row `keep` gets
    what there is."""
    figures, unable = [], {}
    for row in rows:
        began = time.monotonic()
        print(f"{row}:", flush=True)
        load.reports.clear()
        try:
            measured = ROWS[row](context)
        except Exception as error:
            unable[row] = one_line(error)
            print(f"  not measured: {unable[row]}", flush=True)
            keep(figures, unable)
            continue
        for figure in measured:
            lost = load.loss_note() if figure is measured[0] else ""
            notes = (figure.note, lost, load.bottleneck_note())
            figure.note = "; ".join(part for part in notes if part)
            print(report.to_line(figure), flush=True)
        figures += measured
        keep(figures, unable)
        print(f"      {time.monotonic() - began:.0f} s", flush=True)
    return figures, unable


def status_of(figures, unable):
    """Times are a machine's; what must not be done for each packet is not."""
    is_counted_wrong = any(figure.row == "count" and figure.met() is False for figure in figures)
    return 1 if unable or is_counted_wrong else 0


def main():
    options = parse(sys.argv[1:])
    # As an interrupt does: what was begun is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    rows = list(ROWS) if options.all else options.rows or (
        QUICK if options.quick else ["stage", "count"])
    # A quick count is enough to tell a call for each packet from a call for each frame.
    context = Context(rounds=1 if options.quick else options.rounds,
                      seconds=1 if options.quick else options.seconds, scale=options.scale,
                      packets=QUICK_PACKETS if options.quick else counting.PACKETS)
    about = {**machine.describe(), "date": time.strftime("%d %B %Y"),
             "command": shlex.join(["scripts/bench", *sys.argv[1:]]), "rounds": context.rounds,
             "seconds": context.seconds}
    print(f"machine: {about['cpu']}, {about['cores']} cores, Linux {about['kernel']}, load "
          f"{about['load']:.1f}\n", flush=True)

    def keep(figures, unable):
        report.write(options.out, report.document_of(about, figures, unable))

    figures, unable = measure(rows, context, keep)
    if options.all:
        microbenchmarks()
    print(f"\nwritten: {options.out}/figures.json, figures.md and figures.svg")
    if options.update_docs:
        report.update_docs(report.document_of(about, figures, unable), ROWS)
    return status_of(figures, unable)


if __name__ == "__main__":
    sys.exit(main())
