"""Runs of a relay, and alternating rounds of two things that are compared."""
import dataclasses
import statistics
import time

from bench.figures import load, machine, relay

SETTLE = 0.7  # seconds, between the last who joins and the measurement
LOSS_MAX = 0.01  # more is no measurement: who drops packets before they cost anything looks cheap


@dataclasses.dataclass
class Figure:
    """One line of the table. `goal` is None where there is nothing to reach; `beside` is what the
    yardstick gave in the same run."""
    row: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    yardstick: str = ""
    beside: float | None = None
    ratio: float | None = None  # median of the rounds; without: of the two medians
    note: str = ""
    at_least: bool = False
    noise: float | None = None  # spread of the yardstick over the rounds, as a share

    def __post_init__(self):
        if self.ratio is None and self.beside:
            self.ratio = self.value / self.beside

    def met(self):
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


@dataclasses.dataclass
class Run:
    """What a relay did in one measured time."""
    us_per_packet: float
    packets_per_second: float
    report: dict  # of simpul-load
    kib_per_connection: float


def cpu_share_of(server, people, seconds):
    """Of a server with a `cpu_seconds()`, while people are there the whole time."""
    people.check_measuring()
    cpu, began = server.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    share = (server.cpu_seconds() - cpu) / (time.monotonic() - began)
    people.check_measuring()
    return share


def seconds_for(seconds):
    """How long people have to be there so that so many seconds can be measured."""
    return seconds + SETTLE + load.SPARE


def packet_rate(report):
    """What the publishers made for all of their viewers: lost packets have cost, too."""
    if not report["expected"]:
        raise RuntimeError("nobody was sent anything")
    if report["lost"] > LOSS_MAX * report["expected"]:
        raise RuntimeError(f"{report['lost']:,} of {report['expected']:,} packets were lost")
    return report["expected"] / report["seconds"]


def run_relay(shape, seconds, workers=1, address=relay.LOOPBACK):
    """One relay, people of `shape`, and the CPU that each packet for a viewer takes."""
    with relay.Relay(workers, address=address) as simpuld:
        empty = simpuld.resident_kib()
        with load.Load(simpuld.port, shape, seconds_for(seconds), simpuld.pid) as people:
            people.wait_until_measuring()
            time.sleep(SETTLE)
            share = cpu_share_of(simpuld, people, seconds)
            kib = (simpuld.resident_kib() - empty) / shape.connections()
            report = people.finish()
    rate = packet_rate(report)
    return Run(us_per_packet=share * 1e6 / rate, packets_per_second=rate,
               report=report, kib_per_connection=kib)


def alternate(first, second, rounds):
    """Each as often as the other, in turns, beginning with another one each time."""
    results = ([], [])
    for number in range(rounds):
        for which in ((0, 1) if number % 2 == 0 else (1, 0)):
            results[which].append((first, second)[which]())
    return results


def beside_floor(shape, seconds, rounds):
    """Runs of a relay and of the floor in turns, and the feedback of the last. The floor's viewers
    give as much as those of the relay's run before did."""
    given = []

    def run():
        result = run_relay(shape, seconds)
        given.append(load.feedback_of(result.report, shape))
        return result

    runs, floors = alternate(run, lambda: load.floor(shape, seconds, given[-1]), rounds)
    return runs, floors, given[-1]


def ratio(values, yardsticks):
    return statistics.median(a / b for a, b in zip(values, yardsticks, strict=True))


def compared(figure, values, yardsticks):
    """The figure with medians, the ratio round by round, and the yardstick's noise."""
    beside = statistics.median(yardsticks)
    return dataclasses.replace(figure, value=statistics.median(values), beside=beside,
                               ratio=ratio(values, yardsticks), noise=machine.spread(yardsticks))


def against_floor(name, what, shape, context, goals):
    """The relay's CPU per packet, and its ratio to the floor's. `goals` are for both."""
    runs, floors, feedback = beside_floor(shape, context.seconds, context.rounds)
    costs = [run.us_per_packet for run in runs]
    rate = statistics.median(run.packets_per_second for run in runs)
    cost = compared(Figure(name, f"{what}: CPU per forwarded packet", 0, "µs", goals[0],
                           "floor, µs", note=f"{rate:,.0f} packets/s, {feedback}"), costs, floors)
    return [cost, dataclasses.replace(cost, what=f"{what}: ratio to the floor", value=cost.ratio,
                                      unit="", goal=goals[1], note="")]
