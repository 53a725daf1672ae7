"""What the relay must not do for each packet: counted, not timed.

A library that is loaded into simpuld counts, on media threads, what goes through the C library:
memory taken, waits for locks, conditions and futexes, clocks read, and the system calls by which
anything is read, written or waited for. What the C library does inside itself it does not see.
"""
import os
import pathlib
import signal
import tempfile
import time

from bench.figures import machine, relay
from bench.figures.load import Load, Shape, wait_until
from bench.figures.measure import SETTLE, Figure

LIBRARY = machine.BUILD / "bench/count/libsimpul_count.so"
PACKETS = 1_000_000
# For each packet that leaves. What is done once for each viewer and frame comes to 0.18 of these at
# least; reports, checks and snapshots, which come by time and not by packets, far below. Of two
# workers each has turns of its own for these, which is still less than that.
GOALS = {"system_calls": 0.1, "allocations": 0.1, "lock_waits": 0.001, "clock_reads": 0.1}
OF_TWO_WORKERS = 1.5  # times as much
NAMES = {"system_calls": "system calls", "allocations": "allocations",
         "lock_waits": "waits for locks", "clock_reads": "clock reads"}


def read_counts(path):
    return {name: int(count) for name, count in
            (line.split() for line in path.read_text().splitlines())}


def counted(shape, workers, packets):
    """What the media threads did in the time in which so many packets left, and how many did."""
    with tempfile.TemporaryDirectory(prefix="simpul-bench-count-") as folder:
        path = pathlib.Path(folder) / "counts"
        environment = dict(os.environ, LD_PRELOAD=str(LIBRARY), SIMPUL_COUNT_FILE=str(path))

        def counts(simpuld):
            """When the number of packets is fresh, which is told once a second; the library
            writes its own when it is told to."""
            sent = simpuld.metric("simpul_packets_sent_total")
            end = time.monotonic() + machine.PATIENCE
            while sent == (fresh := simpuld.metric("simpul_packets_sent_total")):
                if time.monotonic() > end:
                    raise RuntimeError("no packets")
                time.sleep(0.02)
            path.unlink(missing_ok=True)
            os.kill(simpuld.pid, signal.SIGUSR2)
            while not path.exists():
                if time.monotonic() > end:
                    raise RuntimeError("nothing was counted")
                time.sleep(0.01)
            return {**read_counts(path), "packets": fresh}

        with relay.Relay(workers, environment) as simpuld:
            # However slow the machine is: nobody waits for the end.
            with Load(simpuld.port, shape, 3 * machine.PATIENCE, simpuld.pid) as people:
                people.wait_until_measuring()
                time.sleep(SETTLE)
                before = counts(simpuld)
                wait_until(lambda: simpuld.metric("simpul_packets_sent_total") - before["packets"]
                           >= packets, people, 2 * machine.PATIENCE)
                after = counts(simpuld)
                people.check_measuring()
                if workers > 1 and not simpuld.share_apart():
                    raise RuntimeError("nobody watched from another worker")
    return {name: after[name] - before[name] for name in after}


def count(context):
    """Of one worker, and of two with a room over both, whose packets go from thread to thread."""
    figures = []
    for workers in (1, 2):
        done = counted(Shape(viewers=200), workers, context.packets)
        packets = done["packets"]
        figures += [Figure("count", f"{NAMES[name]} for each forwarded packet"
                           + (f", {workers} workers" if workers > 1 else ""),
                           done[name] / packets, "",
                           goal if workers == 1 else goal * OF_TWO_WORKERS,
                           note=f"{done[name]:,} for {packets:,.0f} packets")
                    for name, goal in GOALS.items()]
    return figures
