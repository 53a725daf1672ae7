"""Rows about other servers, and about what the relay must not do for each packet."""
import dataclasses
import statistics
import time

from bench.figures import janus, machine
from bench.figures.load import Load, Shape, wait_until
from bench.figures.measure import SETTLE, Figure, alternate, ratio, run_relay

JANUS_NOTE = ("Janus as Debian builds and configures it: its libsrtp is built on NSS, which is "
              "about half of what it costs")


def run_janus(shape, seconds):
    """CPU per packet that came to the viewers, in microseconds."""
    shape = dataclasses.replace(shape, arguments=("--local", janus.local_address()))
    with janus.Janus() as server:
        with Load(server.port, shape, seconds + 2 + SETTLE, server.pid) as people:
            wait_until(lambda: server.joins >= shape.connections(), people)
            time.sleep(SETTLE)
            cpu = server.cpu_seconds()
            began = time.monotonic()
            time.sleep(seconds)
            cpu = server.cpu_seconds() - cpu
            elapsed = time.monotonic() - began
            report = people.result()
    return cpu / elapsed * 1e6 * report["seconds"] / max(report["expected"], 1)


def against_janus(context):
    """The same people, the same media. Few of them: Janus must not be short of time."""
    shape = Shape(viewers=context.scaled(60))
    theirs, ours = alternate(lambda: run_janus(shape, context.seconds),
                             lambda: run_relay(shape, context.seconds).us_per_packet,
                             context.rounds)
    return [Figure("janus", f"{shape.viewers} viewers: CPU per packet of Janus, times ours",
                   ratio(theirs, ours), "", 12,
                   f"Janus {statistics.median(theirs):.2f} µs, simpuld "
                   f"{statistics.median(ours):.2f} µs",
                   JANUS_NOTE, at_least=True, noise=machine.spread(theirs))]
