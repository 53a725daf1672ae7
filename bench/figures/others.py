"""Rows about other servers."""
import statistics
import time

from bench.figures import janus
from bench.figures.load import Load, Shape
from bench.figures.measure import (SETTLE, Figure, alternate, compared, cpu_share_of, packet_rate,
                                   run_relay, seconds_for)

JANUS_NOTE = ("Janus as Debian builds and configures it: its libsrtp is built on NSS, which is "
              "about half of what it costs")

FEW_NOTE = ("So few because 200 viewers would take Janus more than a core, and simpul-load has the "
            "other one")


def run_janus(shape, seconds):
    """CPU per packet that came to the viewers, in microseconds."""
    with janus.Janus() as server:
        with Load(server.port, shape, seconds_for(seconds), server.pid) as people:
            people.wait_until_measuring()
            time.sleep(SETTLE)
            share = cpu_share_of(server, people, seconds)
            report = people.finish()
    return share * 1e6 / packet_rate(report)


def against_janus(context):
    """The same people, the same media, the same addresses. Few of them: Janus must not be short of
    time."""
    address = janus.local_address()
    shape = Shape(viewers=context.scaled(60), arguments=("--local", address))
    theirs, ours = alternate(
        lambda: run_janus(shape, context.seconds),
        lambda: run_relay(shape, context.seconds, address=address).us_per_packet, context.rounds)
    figure = compared(Figure("janus", f"{shape.viewers} viewers: CPU per packet of Janus, times "
                             "ours", 0, "", 12, "simpuld, µs", at_least=True,
                             note=f"Janus {statistics.median(theirs):.2f} µs. {JANUS_NOTE}. "
                                  f"{FEW_NOTE}"),
                      theirs, ours)
    figure.value = figure.ratio
    return [figure]
