"""Runs of a relay, and alternating rounds of two things that are compared."""
import dataclasses
import statistics
import time

from bench.figures import load, machine, relay

SETTLE = 0.7  # seconds, between the last who joins and the measurement


@dataclasses.dataclass
class Figure:
    """One line of the table. `goal` is None where there is nothing to reach."""
    row: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    yardstick: str = ""
    note: str = ""
    at_least: bool = False
    noise: float | None = None  # spread of the yardstick over the rounds, as a share

    def met(self):
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal


@dataclasses.dataclass
class Run:
    """What a relay did in one measured time."""
    us_per_packet: float
    packets_per_second: float
    cpu_share: float
    report: dict  # of simpul-load
    kib_per_connection: float


def run_relay(shape, seconds, workers=1):
    """One relay, people of `shape`, and the CPU that each packet for a viewer takes."""
    with relay.Relay(workers) as simpuld:
        empty = simpuld.resident_kib()
        with load.Load(simpuld.port, shape, seconds + 1 + SETTLE, simpuld.pid) as people:
            load.wait_until(
                lambda: simpuld.metric("simpul_connections") >= shape.connections(), people)
            time.sleep(SETTLE)
            cpu = simpuld.cpu_seconds()
            began = time.monotonic()
            time.sleep(seconds)
            cpu = simpuld.cpu_seconds() - cpu
            elapsed = time.monotonic() - began
            kib = (simpuld.resident_kib() - empty) / shape.connections()
            report = people.result()
    # What the publishers made for all of their viewers: lost packets have cost, too.
    rate = report["expected"] / report["seconds"]
    return Run(us_per_packet=cpu / elapsed * 1e6 / max(rate, 1), packets_per_second=rate,
               cpu_share=cpu / elapsed, report=report, kib_per_connection=kib)


def alternate(first, second, rounds):
    """Each as often as the other, in turns, beginning with another one each time."""
    results = ([], [])
    for number in range(rounds):
        for which in ((0, 1) if number % 2 == 0 else (1, 0)):
            results[which].append((first, second)[which]())
    return results


def ratio(values, yardsticks):
    return statistics.median(a / b for a, b in zip(values, yardsticks))


def against_floor(name, what, shape, context, goals, **floor_options):
    """The relay's CPU per packet, and its ratio to the floor's. `goals` are for both."""
    runs, floors = alternate(
        lambda: run_relay(shape, context.seconds),
        lambda: load.floor(shape, context.seconds, **floor_options), context.rounds)
    costs = [run.us_per_packet for run in runs]
    noise = machine.spread(floors)
    beside = f"floor {statistics.median(floors):.2f} µs"
    return [
        Figure(name, f"{what}: CPU per forwarded packet", statistics.median(costs), "µs",
               goals[0], beside, noise=noise,
               note=f"{statistics.median(run.packets_per_second for run in runs):,.0f} packets/s"),
        Figure(name, f"{what}: ratio to the floor", ratio(costs, floors), "", goals[1], beside,
               noise=noise),
    ]
