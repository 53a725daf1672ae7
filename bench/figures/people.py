"""Rows about people: how long they wait, what a join and a connection cost."""
import json
import statistics
import subprocess
import time

from bench.figures import load, machine, relay
from bench.figures.load import Load, Shape
from bench.figures.measure import (SETTLE, Figure, alternate, beside_floor, compared,
                                   cpu_share_of, packet_rate, seconds_for)

FRAME = 9  # packets
LISTENED_RATE = 300  # packets a second to somebody who only listens
WITHIN = 5  # seconds of a storm
PAIR_SECONDS = 5  # in which it gets 1,100 packets, so that ten are above the 99th percentile
WATCHED = 6  # seconds for which a storm is watched after its last join
CALM = 5  # before it
THERE = Shape(viewers=20, arguments=("--room", "there"))  # while it comes to another room


def delay(context):
    """Nothing but a picture, a frame at a time, to 200 viewers: from when the publisher made a
    packet to when the kernel put it into the viewer's socket, however late simpul-load read it."""
    shape = Shape(viewers=200, audio=False, frame_packets=FRAME)
    runs, floors, feedback = beside_floor(shape, context.seconds, context.rounds)
    sends = FRAME * shape.viewers
    cost = statistics.median(run.us_per_packet for run in runs)
    # What the relay, or the floor, needs for a frame to all, in milliseconds.
    frames = [run.us_per_packet * sends / 1000 for run in runs]
    floor_frames = [floor * sends / 1000 for floor in floors]

    def seen(name):
        return [run.report[name] for run in runs]

    median = compared(Figure("delay", "a 9-packet frame to 200 viewers: median over viewers", 0,
                             "ms", note=f"goal: half of the sends at {cost:.2f} µs + 0.2 ms; "
                           f"{feedback}"),
                      seen("delay_ms_p50"), frames)
    median.goal = median.beside / 2 + 0.2
    median.yardstick = "relay's CPU for a frame to all, ms"
    last = compared(Figure("delay", "last viewer, median over frames", 0, "ms",
                           yardstick=f"floor × {sends:,} packets, ms", note="goal: 1.3 × it"),
                    seen("last_viewer_ms_p50"), floor_frames)
    last.goal = 1.3 * last.beside
    return [median, last,
            compared(Figure("delay", "99th percentile", 0, "ms", 3.0,
                            f"floor × {sends:,} packets, ms"), seen("delay_ms_p99"), floor_frames)]


def starvation(context):
    """A pair on the worker of a stage of 3,000, whose packets are few so that two cores can. The
    pair is a process of its own, before all others; when its packets come is the kernel's word."""
    crowd = Shape(viewers=context.scaled(3000), frame_packets=3, fps=10, decrypting=0.01)
    pair = Shape(pairs=True, frame_packets=2, fps=30, arguments=("--room", "pair"))

    def pair_delay(simpuld):
        with Load(simpuld.port, pair, max(context.seconds, PAIR_SECONDS), simpuld.pid,
                  nice=-10) as two:
            return two.result()["delay_ms_p99"]

    def alone():
        with relay.Relay() as simpuld:
            return pair_delay(simpuld)

    def beside_many():
        with relay.Relay() as simpuld:
            # Long enough for the pair to join, be measured and go.
            with Load(simpuld.port, crowd, seconds_for(max(context.seconds, PAIR_SECONDS)),
                      simpuld.pid) as many:
                many.wait_until_measuring()
                time.sleep(SETTLE)
                took = pair_delay(simpuld)
                many.finish()
                return took

    beside, single = alternate(beside_many, alone, context.rounds)
    return [compared(Figure("starvation", f"a pair beside a stage of {crowd.viewers:,}: 99th "
                            "percentile of its delay", 0, "ms", 5.0, "the pair alone, ms"),
                     beside, single)]


def listeners(context):
    """What simpul-load costs, whole: people who join, count what they get, and give feedback, on
    one thread. One in a hundred decrypts. The relay could not send 2,000 of them 300 packets a
    second from the other core, so that they get fewer: frames of nine, and as much sound."""
    shape = Shape(viewers=context.scaled(2000), fps=15, decrypting=0.01)

    def packet_cost():
        with relay.Relay() as simpuld:
            with Load(simpuld.port, shape, seconds_for(context.seconds), simpuld.pid) as people:
                people.wait_until_measuring()
                time.sleep(SETTLE)
                share = cpu_share_of(people, people, context.seconds)
                report = people.finish()
        rate = packet_rate(report)
        return share * 1e6 / rate, rate

    costs, rates = zip(*(packet_cost() for _ in range(context.rounds)), strict=True)
    cost = statistics.median(costs)
    return [Figure("listeners", "who only listen, 300 packets/s each: so many would fill one core "
                   "of simpul-load, by what a packet costs", 1e6 / (cost * LISTENED_RATE),
                   "viewers", 2000, at_least=True, noise=machine.spread(costs),
                   note=f"extrapolated: {cost:.2f} µs a packet at {shape.viewers:,} viewers and "
                        f"{statistics.median(rates):,.0f} packets/s"),
            *full_rate([listen() for _ in range(context.rounds)])]


def listen():
    """2,000 at their true rate, on one core; the other one sends, and does nothing else."""
    done = subprocess.run([machine.BUILD / "bench/viewers_bench", "--benchmark_format=json",
                           "--benchmark_filter=BM_ListeningViewers/2000/"],
                          capture_output=True, text=True, timeout=machine.PATIENCE, check=True)
    told, = json.loads(done.stdout)["benchmarks"]
    if told.get("error_occurred"):
        raise RuntimeError(f"viewers_bench: {told['error_message']}")
    return told


def full_rate(runs):
    """Whether one core reads all of it, and how much of the core that takes."""
    shares = [run["received_share"] for run in runs]
    cores = [run["us_per_packet"] * run["packets_per_second"] / 1e6 for run in runs]
    rate = statistics.median(run["packets_per_second"] for run in runs)
    return [Figure("listeners", "2,000 at 300 packets/s each, from a bare sender: what one core "
                   "has read of what was sent", statistics.median(shares), "", 0.999,
                   at_least=True, noise=machine.spread(shares),
                   note=f"{rate:,.0f} packets/s; sockets, counting and feedback of simpul-load "
                        "without its clients, and no relay (viewers_bench)"),
            Figure("listeners", "CPU of it", statistics.median(cores), "cores", 1,
                   noise=machine.spread(cores))]


def join(context):
    """Hardly any media, so that what is spent is spent on joins."""
    shape = Shape(viewers=context.scaled(400), frame_packets=6, fps=1, audio=False)

    def usage(simpuld):
        return simpuld.cpu_seconds(), simpuld.metric("simpul_packets_sent_total")

    def joins():
        with relay.Relay() as simpuld:
            before = usage(simpuld)
            with Load(simpuld.port, shape, seconds_for(2), simpuld.pid) as people:
                people.wait_until_measuring()
                after = usage(simpuld)
                time.sleep(2)
                later = usage(simpuld)
                people.finish()
        per_packet = (later[0] - after[0]) / max(later[1] - after[1], 1)
        media = (after[1] - before[1]) * per_packet
        return (after[0] - before[0] - media) * 1000 / shape.connections()

    costs, handshakes = alternate(joins, lambda: openssl()["cpu_ms"], context.rounds)
    figure = compared(Figure("join", "CPU of a join", 0, "ms", None, "bare OpenSSL handshake, ms",
                             note="goal: the handshake + 0.4 ms"), costs, handshakes)
    figure.goal = figure.beside + 0.4
    return [figure]


def openssl():
    """Of the server's side alone: CPU of a handshake, memory of a session that is kept."""
    done = subprocess.run([machine.BUILD / "bench/handshake/simpul-handshake"],
                          capture_output=True, text=True, timeout=machine.PATIENCE, check=True)
    return json.loads(done.stdout)


def storm_scenario(joins):
    """Twenty watch in the storm's room when it comes: so many within five seconds, whether or not
    those before them have a picture."""
    lines = ["[clients.default]", "plain = true", "[clients.default.video]",
             f"bitrate_kbps = {load.kbps_of(Shape(frame_packets=2, fps=15))}", "fps = 15",
             "[[phases]]", 'kind = "storm"', f'duration = "{WITHIN + WATCHED}s"',
             f"viewers = {THERE.viewers}", f"joins = {joins}", f'within = "{WITHIN}s"']
    return "\n".join(lines) + "\n"


def one_storm(joins):
    """What those saw who were there, in a room and a process of their own, what those saw who
    came, and the delay of the former before the storm and in it."""
    with (relay.Relay() as simpuld,
          Load(simpuld.port, THERE, CALM + 3 * (WITHIN + WATCHED), simpuld.pid) as there):
        there.wait_until_measuring()
        began = there.seconds_told()
        time.sleep(CALM)
        calm = (began, there.seconds_told())
        with Load(simpuld.port, None, 2 * (WITHIN + WATCHED), simpuld.pid,
                  scenario=storm_scenario(joins)) as people:
            people.wait_until_measuring()
            began = there.seconds_told()
            time.sleep(WITHIN)
            stormy = (began, there.seconds_told())
            came = people.result()
        there.check_measuring()  # else the storm outlived them
        seen = there.result()
    return seen, came, delay_within(seen, *calm), delay_within(seen, *stormy)


def delay_within(report, began, ended):
    """99th percentile, in the middle one of the seconds between two that were told of."""
    found = [second["delay_ms_p99"] for second in report["per_second"]
             if began + 0.5 < second["at"] < ended + 0.5 and second["delay_ms_p99"] is not None]
    if not found:
        raise RuntimeError("no second was measured whole")
    return statistics.median(found)


def storm(context):
    """Open loop: they join at their times, however long those before them take."""
    joins = context.scaled(1000)
    there, came, calm_delays, delays = zip(*(one_storm(joins) for _ in range(context.rounds)),
                                           strict=True)
    alone = [seen["first_frame_ms_p50"] / 1000 for seen in there]

    def waited(name, what):
        return compared(Figure("storm", what, 0, "s", 1.5, "median of 20 who join alone, s"),
                        [seen[f"first_frame_ms_{name}"] / 1000 for seen in came], alone)

    return [waited("max", f"{joins:,} joins within {WITHIN} s: the longest wait for a picture"),
            waited("p99", "99th percentile of it"),
            Figure("storm", "lost by those already there", max(seen["lost"] for seen in there),
                   "packets", 0, note=f"of {sum(seen['expected'] for seen in there):,}; the "
                                      "worst round"),
            Figure("storm", "lost in the storm's own room, by each from its first picture on",
                   max(seen["lost"] for seen in came), "packets", 0,
                   note=f"of {sum(seen['expected'] for seen in came):,}; the worst round"),
            compared(Figure("storm", "delay of those already there while the others join: 99th "
                            "percentile, in the middle one of these seconds", 0, "ms", None,
                            "before the storm, ms"), delays, calm_delays)]


def memory(context):
    """All that the relay has grown by since it was empty, shared out among its connections: the
    publisher's history and what their joining left behind are in it."""
    few, many = context.scaled(200), context.scaled(1000)

    def grown(shape):
        with relay.Relay() as simpuld:
            empty = simpuld.resident_kib()
            with Load(simpuld.port, shape, seconds_for(1 + SETTLE), simpuld.pid) as people:
                load.wait_until(lambda: simpuld.metric("simpul_connections", 'state="connected"')
                                >= shape.connections(), people)
                if is_watching(shape):
                    people.wait_until_measuring()
                # The history is full after a second.
                time.sleep(1 + 2 * SETTLE)
                kib = simpuld.resident_kib() - empty
                if is_watching(shape):
                    check_watching(people.finish(), shape)
        return kib

    def is_watching(shape):
        return "--silent" not in shape.arguments

    def one_more(shape_of):
        """What each adds, and what all of them come to each."""
        small, large = (grown(shape_of(count)) for count in (few, many))
        return (large - small) / (many - few), large / shape_of(many).connections()

    watching, idle = alternate(
        lambda: one_more(lambda count: Shape(viewers=count, fps=10)),
        lambda: one_more(lambda count: Shape(viewers=count, arguments=("--silent",))),
        context.rounds)

    session = openssl()["kib"]

    def figure(what, goal, sides):
        more, all_of_it = zip(*sides, strict=True)
        return Figure("memory", what, statistics.median(all_of_it), "KiB", goal,
                      "a session that OpenSSL keeps, KiB", session,
                      noise=machine.spread(all_of_it),
                      note=f"of {many:,}; each more than {few} adds {statistics.median(more):.0f}")

    return [figure("resident memory of a watching connection, its share of history included", 80,
                   watching),
            figure("of one that waits for somebody", 48, idle)]


def check_watching(report, shape):
    if report["first_frames"] < shape.viewers or not report["packets"]:
        raise RuntimeError(f"{report['first_frames']} of {shape.viewers} watched")
