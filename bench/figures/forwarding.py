"""Rows about the CPU that a forwarded packet takes."""
import math
import statistics
import time

from bench.figures import load, machine, relay
from bench.figures.load import Load, Shape
from bench.figures.measure import (SETTLE, Figure, against_floor, alternate, beside_floor,
                                   compared, cpu_share_of, run_relay)

STAGE = Shape(viewers=200)
# Of pairs: 300 kbit/s, so that two cores carry 500 rooms and all who are in them.
PAIR = {"pairs": True, "frame_packets": 2, "fps": 15}


def stage(context):
    return against_floor("stage", "1 publisher, 200 viewers, GCM", STAGE, context, (1.2, 1.5))


def burst(context):
    shape = Shape(viewers=200, burst_packets=3)
    return against_floor("burst", "frames in bursts of three packets", shape, context, (1.8, None))


def cm80(context):
    shape = Shape(viewers=200, profile="cm80")
    return against_floor("cm80", "AES_CM_128_HMAC_SHA1_80", shape, context, (1.7, None))


def audio(context):
    """Each of the listeners hears all speakers, here and in the floor."""
    shape = Shape(publishers=10, viewers=300, frame_packets=0, heard=10)
    return against_floor("audio", "audio only, 300 listeners hear 10 speakers", shape, context,
                         (None, 1.4))


def growth(context):
    """What a packet costs above the floor, at two sizes that take turns."""
    sizes = (100, max(200, context.scaled(1000)))
    # One core could not decrypt what a thousand get.
    shapes = [Shape(viewers=viewers, decrypting=0.05) for viewers in sizes]

    def above(shape):
        runs, floors, feedback = beside_floor(shape, context.seconds, 1)
        return runs[0].us_per_packet - floors[0], floors[0], feedback

    few, many = alternate(lambda: above(shapes[0]), lambda: above(shapes[1]), context.rounds)
    costs = [statistics.median(cost for cost, _, _ in side) for side in (few, many)]
    if min(costs) <= 0:
        raise RuntimeError(f"{costs[0]:.2f} and {costs[1]:.2f} µs above the floor: the machine is "
                           "too restless")
    return [Figure("growth", f"CPU per packet above the floor, {sizes[1]:,} viewers against "
                   f"{sizes[0]}", costs[1] / costs[0], "", 1.15,
                   f"{sizes[0]} viewers, µs above the floor", costs[0], ratio=costs[1] / costs[0],
                   noise=machine.spread([floor for _, floor, _ in few]),
                   note=f"{sizes[1]:,} viewers: {costs[1]:.2f} µs above; {many[-1][2]}")]


def two_workers(context):
    two, one = alternate(lambda: run_relay(STAGE, context.seconds, workers=2),
                         lambda: run_relay(STAGE, context.seconds), context.rounds)
    costs = [[run.us_per_packet for run in runs] for runs in (two, one)]
    figure = compared(Figure("two-workers", "200 viewers over two workers against one", 0, "",
                             1.1, "one worker, µs"), *costs)
    figure.value = figure.ratio
    return [figure]


def pairs(context):
    shape = Shape(rooms=context.scaled(500), **PAIR)
    runs, floors, feedback = beside_floor(shape, context.seconds, context.rounds)
    rate = statistics.median(run.packets_per_second for run in runs)
    kib = statistics.median(run.kib_per_connection for run in runs)
    return [compared(Figure("pairs", f"{shape.rooms} rooms of two on one worker: CPU per packet",
                            0, "µs", 2.5, "floor, µs",
                            note=f"{rate:,.0f} packets/s, {feedback}, {kib:.0f} KiB a "
                                 "connection; each packet is read, decrypted, encrypted and sent by "
                                 "itself, so two calls' worth of the kernel's work bounds it"),
                     [run.us_per_packet for run in runs], floors)]


REJOIN = 8  # seconds that all of them may take to have their new partners, on a slow machine


def repaired_pairs(shape, seconds, workers):
    """CPU per packet, the 99th percentile of the delay and the share of people who are on another
    worker than their partner, once all have changed their partner."""
    with relay.Relay(workers, spread_rooms=True) as simpuld:
        # Nobody changes a second time: by then they would begin to go.
        with Load(simpuld.port, shape, 2 * shape.repair_seconds, simpuld.pid) as people:
            people.wait_until_measuring()
            load.wait_until(lambda: people.has_changed(shape.repair_seconds), people)
            load.wait_until(lambda: simpuld.metric("simpul_connections", 'state="connected"') ==
                            shape.connections(), people)
            time.sleep(SETTLE)
            began = people.seconds_told()
            share = cpu_share_of(simpuld, people, seconds)
            ended = people.seconds_told()
            apart = simpuld.share_apart()
            report = people.finish()
    during = [second for second in report["per_second"] if began < second["at"] <= ended + 0.5]
    if not during:
        raise RuntimeError("no second was measured whole")
    packets = statistics.median(second["packets"] for second in during)
    delay = statistics.median(second["delay_ms_p99"] for second in during
                              if second["delay_ms_p99"] is not None)
    return share * 1e6 / packets, delay, apart


def pairs_workers(context):
    """Each connection goes to a worker at random, as when people who stay where they are connected
    are paired anew: half of the partners are on another worker."""
    seconds = math.ceil(context.seconds)
    shape = Shape(rooms=context.scaled(100), repair_seconds=seconds + REJOIN, **PAIR)
    two, one = alternate(lambda: repaired_pairs(shape, seconds, 2),
                         lambda: repaired_pairs(shape, seconds, 1), context.rounds)
    costs, delays, apart = zip(*two)
    single_costs, single_delays, _ = zip(*one)
    share = statistics.median(apart)
    if not 0.25 <= share <= 0.75:
        raise RuntimeError(f"{share * 100:.0f} % of the partners were on different workers")
    figure = compared(
        Figure("pairs-workers", f"{shape.rooms} pairs re-paired over two workers against one", 0,
               "", 1.5, "one worker, µs", note=f"{share * 100:.0f} % have their partner on the "
               "other worker"), costs, single_costs)
    figure.value = figure.ratio
    added = [a - b for a, b in zip(delays, single_delays, strict=True)]
    return [figure, Figure("pairs-workers", "added delay, 99th percentile",
                           statistics.median(added), "ms", 1.0, "one worker, ms",
                           statistics.median(single_delays),
                           ratio=statistics.median(delays) / statistics.median(single_delays),
                           noise=machine.spread(single_delays))]
