"""Rows about people: how long they wait, what a join and a connection cost."""
import statistics
import subprocess
import time

from bench.figures import load, machine, relay
from bench.figures.load import Load, Shape
from bench.figures.measure import SETTLE, Figure, alternate, run_relay

FRAME = 9  # packets


def delay(context):
    """A frame to 200 viewers. simpul-load reads what the relay sends on the other core, and its own
    time to do so is in these delays: it says when it was the bottleneck."""
    shape = Shape(viewers=200)
    runs, floors = alternate(lambda: run_relay(shape, context.seconds),
                             lambda: load.floor(shape, context.seconds), context.rounds)
    cost = statistics.median(run.us_per_packet for run in runs)
    floor = statistics.median(floors)
    sends = FRAME * shape.viewers
    noise = machine.spread(floors)
    worst = any(run.report.get("bottleneck") for run in runs)
    note = "simpul-load was the bottleneck" if worst else ""
    seen = {name: statistics.median(run.report[f"delay_ms_{name}"] for run in runs)
            for name in ("p50", "p99", "max")}
    return [Figure("delay", "a 9-packet frame to 200 viewers: median", seen["p50"], "ms",
                   sends / 2 * cost / 1000 + 0.2, f"half of the sends at {cost:.2f} µs + 0.2 ms",
                   noise=noise, note=note),
            Figure("delay", "last viewer", seen["max"], "ms", 1.3 * floor * sends / 1000,
                   f"1.3 × floor {floor:.2f} µs × {sends}", noise=noise, note=note),
            Figure("delay", "99th percentile", seen["p99"], "ms", 3.0, noise=noise, note=note)]


def starvation(context):
    """A pair on the worker of a stage of 3,000, whose packets are few so that two cores can."""
    crowd = Shape(viewers=context.scaled(3000), frame_packets=3, fps=10)
    pair = Shape(pairs=True, frame_packets=2, fps=30, arguments=("--room", "pair"))
    delays, alone = [], []
    for _ in range(context.rounds):
        with relay.Relay() as simpuld:
            with Load(simpuld.port, pair, context.seconds, nice=-10) as two:
                alone.append(two.result()["delay_ms_p99"])
            with Load(simpuld.port, crowd, context.seconds + 5) as many:
                load.wait_until(lambda: simpuld.metric("simpul_connections") >=
                                crowd.connections(), many)
                time.sleep(SETTLE)
                with Load(simpuld.port, pair, context.seconds, nice=-10) as two:
                    delays.append(two.result()["delay_ms_p99"])
    return [Figure("starvation", f"a pair beside a stage of {crowd.viewers:,}: 99th percentile of "
                   "its delay", statistics.median(delays), "ms", 5.0,
                   f"the pair alone {statistics.median(alone):.2f} ms",
                   noise=machine.spread(alone))]


def join(context):
    """Hardly any media, so that what is spent is spent on joins."""
    viewers = context.scaled(400)
    shape = Shape(viewers=viewers, frame_packets=6, fps=1)

    def joins():
        with relay.Relay() as simpuld:
            before = simpuld.cpu_seconds(), simpuld.metric("simpul_packets_sent_total")
            with Load(simpuld.port, shape, 6, simpuld.pid) as people:
                load.wait_until(lambda: simpuld.metric("simpul_handshakes_total") >=
                                shape.connections(), people)
                after = simpuld.cpu_seconds(), simpuld.metric("simpul_packets_sent_total")
                time.sleep(2)
                later = simpuld.cpu_seconds(), simpuld.metric("simpul_packets_sent_total")
        per_packet = (later[0] - after[0]) / max(later[1] - after[1], 1)
        media = (after[1] - before[1]) * per_packet
        return (after[0] - before[0] - media) * 1000 / shape.connections()

    costs, handshakes = alternate(joins, bare_handshake, context.rounds)
    yardstick = statistics.median(handshakes)
    return [Figure("join", "CPU of a join", statistics.median(costs), "ms", yardstick + 0.4,
                   f"bare OpenSSL handshake {yardstick:.2f} ms + 0.4",
                   noise=machine.spread(handshakes))]


def bare_handshake():
    """CPU of the server's side of one, in milliseconds."""
    done = subprocess.run([machine.BUILD / "bench/handshake/simpul-handshake"],
                          capture_output=True, text=True, timeout=machine.PATIENCE, check=True)
    return float(done.stdout)


def storm(context):
    """Some watch already when many come. simpul-load lets them in as fast as it can."""
    joins = context.scaled(1000)
    there = Shape(viewers=20)
    coming = Shape(viewers=joins, frame_packets=2, fps=15, arguments=("--room", "storm"))
    slowest, lost, took = [], [], []
    for _ in range(context.rounds):
        with relay.Relay() as simpuld, Load(simpuld.port, there, 20) as first:
            load.wait_until(
                lambda: simpuld.metric("simpul_connections") >= there.connections(), first)
            time.sleep(SETTLE)
            began = time.monotonic()
            with Load(simpuld.port, coming, 2) as people:
                load.wait_until(lambda: simpuld.metric("simpul_handshakes_total") >=
                                there.connections() + coming.connections(), people)
                took.append(time.monotonic() - began)
                slowest.append(people.result()["first_frame_ms_max"] / 1000)
            lost.append(first.result()["lost"])
    return [Figure("storm", f"{joins:,} joins: the longest wait for a picture",
                   statistics.median(slowest), "s", 1.5,
                   note=f"all came within {statistics.median(took):.1f} s"),
            Figure("storm", "lost by those already there", statistics.median(lost), "packets", 0)]


def memory(context):
    """What each further connection adds to the relay's resident memory."""
    few, many = context.scaled(200), context.scaled(800)

    def added(shape_of):
        small, large = (run_relay(shape_of(count), 1) for count in (few, many))
        shapes = shape_of(few), shape_of(many)
        total = [run.kib_per_connection * shape.connections()
                 for run, shape in zip((small, large), shapes)]
        return (total[1] - total[0]) / (many - few)

    watching = [added(lambda count: Shape(viewers=count, frame_packets=2))
                for _ in range(context.rounds)]
    figures = [Figure("memory", "resident memory of a watching connection",
                      statistics.median(watching), "KiB", 80,
                      f"from {few} to {many} viewers", noise=machine.spread(watching))]
    idle = [idle_kib(few, many) for _ in range(context.rounds)]
    figures.append(Figure("memory", "of one that waits for somebody", statistics.median(idle),
                          "KiB", 48, noise=machine.spread(idle)))
    return figures


def idle_kib(few, many):
    """Of connections to which nothing is sent."""
    resident = []
    for count in (few, many):
        shape = Shape(viewers=count, arguments=("--silent",))
        with relay.Relay() as simpuld, Load(simpuld.port, shape, 60) as people:
            load.wait_until(lambda: simpuld.metric("simpul_handshakes_total") >=
                            shape.connections(), people)
            time.sleep(2 * SETTLE)
            resident.append(simpuld.resident_kib())
    return (resident[1] - resident[0]) / (many - few)
