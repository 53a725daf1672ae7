"""Rows about the CPU that a forwarded packet takes."""
import statistics

from bench.figures import load, machine
from bench.figures.load import Shape
from bench.figures.measure import Figure, against_floor, alternate, ratio, run_relay

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
    """Listeners are shared out among the speakers: each hears one."""
    shape = Shape(publishers=10, viewers=300, frame_packets=0)
    return against_floor("audio", "audio only, 10 speakers, 300 listeners", shape, context,
                         (None, 1.4), subscribers=30)


def growth(context):
    """What a packet costs above the floor, at two sizes."""
    above = {}
    noise = []
    for viewers in (100, 1000):
        shape = Shape(viewers=viewers)
        runs, floors = alternate(lambda: run_relay(shape, context.seconds),
                                 lambda: load.floor(shape, context.seconds), context.rounds)
        costs = [run.us_per_packet for run in runs]
        above[viewers] = statistics.median(costs) - statistics.median(floors)
        noise.append(machine.spread(floors) or 0.0)
    return [Figure("growth", "CPU per packet above the floor, 1,000 viewers against 100",
                   above[1000] / above[100], "", 1.15,
                   f"100 viewers: {above[100]:.2f} µs above the floor",
                   noise=max(noise) if context.rounds > 1 else None,
                   note=f"1,000 viewers: {above[1000]:.2f} µs above")]


def two_workers(context):
    two, one = alternate(lambda: run_relay(STAGE, context.seconds, workers=2),
                         lambda: run_relay(STAGE, context.seconds), context.rounds)
    costs = [[run.us_per_packet for run in runs] for runs in (two, one)]
    return [Figure("two-workers", "200 viewers over two workers against one",
                   ratio(*costs), "", 1.1, f"one worker {statistics.median(costs[1]):.2f} µs",
                   noise=machine.spread(costs[1]))]


def pairs(context):
    shape = Shape(rooms=context.scaled(500), **PAIR)
    runs = [run_relay(shape, context.seconds) for _ in range(context.rounds)]
    costs = [run.us_per_packet for run in runs]
    rate = statistics.median(run.packets_per_second for run in runs)
    return [Figure("pairs", f"{shape.rooms} rooms of two on one worker: CPU per packet",
                   statistics.median(costs), "µs", 2.5, noise=machine.spread(costs),
                   note=f"{rate:,.0f} packets/s; each is read, decrypted, encrypted and sent by "
                        "itself, so two calls' worth of the kernel's work bounds it")]


def pairs_workers(context):
    """Who is re-paired stays on his worker, so pairs come to span two."""
    shape = Shape(rooms=context.scaled(100), repair_seconds=2, **PAIR)
    two, one = alternate(lambda: run_relay(shape, context.seconds, workers=2),
                         lambda: run_relay(shape, context.seconds), context.rounds)
    costs = [[run.us_per_packet for run in runs] for runs in (two, one)]
    added = (statistics.median(run.report["delay_ms_p99"] for run in two) -
             statistics.median(run.report["delay_ms_p99"] for run in one))
    noise = machine.spread(costs[1])
    return [Figure("pairs-workers", "pairs over two workers against one", ratio(*costs), "", 1.5,
                   f"one worker {statistics.median(costs[1]):.2f} µs", noise=noise),
            Figure("pairs-workers", "added delay, 99th percentile", added, "ms", 1.0,
                   noise=noise)]
