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
    return [Figure("listeners", "who only listen, 300 packets/s each: one core of simpul-load "
                   "drives so many", 1e6 / (cost * LISTENED_RATE), "viewers", 2000,
                   at_least=True, noise=machine.spread(costs),
                   note=f"{cost:.2f} µs a packet: {shape.viewers:,} viewers, "
                        f"{statistics.median(rates):,.0f} packets/s")]


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
    """Twenty watch in a room of their own and twenty in that of the storm, when it comes: so many
    within five seconds, whether or not those before them have a picture."""
    lasts = WITHIN + WATCHED
    there = Shape(viewers=20)
    lines = ["[clients.default]", "plain = true", "[clients.default.video]",
             f"bitrate_kbps = {load.kbps_of(there)}", f"fps = {there.fps}",
             "[clients.small]", "plain = true", "[clients.small.video]",
             f"bitrate_kbps = {load.kbps_of(Shape(frame_packets=2, fps=15))}", "fps = 15",
             # Those who are there stay twice as long as the storm may need to begin and to end.
             "[[phases]]", 'kind = "stage"', 'name = "there"', f'duration = "{2 * lasts}s"',
             f"viewers = {there.viewers}",
             "[[phases]]", 'kind = "storm"', 'start = "3s"', f'duration = "{lasts}s"',
             f"viewers = {there.viewers}", f"joins = {joins}", f'within = "{WITHIN}s"',
             'publisher_class = "small"', 'viewer_class = "small"']
    return "\n".join(lines) + "\n"


def read_storm(report):
    """The phases of those who were there and of the storm, which must have been its whole time
    beside them."""
    there, came = report["phases"]
    ends = [phase["measured_from"] + phase["seconds"] for phase in (there, came)]
    if there["measured_from"] > came["measured_from"] or ends[0] < ends[1]:
        raise RuntimeError("the storm outlived those who were there before")
    return there, came


def storm(context):
    """Open loop: they join at their times, however long those before them take."""
    joins = context.scaled(1000)
    text = storm_scenario(joins)
    seen = []
    for _ in range(context.rounds):
        with relay.Relay() as simpuld, Load(simpuld.port, None, 4 * (WITHIN + WATCHED),
                                            simpuld.pid, scenario=text) as people:
            seen.append(read_storm(people.result()))
    calm = [there["first_frame_ms_p50"] / 1000 for there, _ in seen]

    def waited(name, what):
        return compared(Figure("storm", what, 0, "s", 1.5, "median of 20 who join alone, s"),
                        [came[f"first_frame_ms_{name}"] / 1000 for _, came in seen], calm)

    lost = [there["lost"] for there, _ in seen]
    return [waited("max", f"{joins:,} joins within {WITHIN} s: the longest wait for a picture"),
            waited("p99", "99th percentile of it"),
            Figure("storm", "lost by those already there", max(lost), "packets", 0,
                   note=f"of {sum(there['expected'] for there, _ in seen):,}; the worst round"),
            Figure("storm", "lost in the storm's own room, by each from its first picture on",
                   max(came["lost"] for _, came in seen), "packets", 0,
                   note=f"of {sum(came['expected'] for _, came in seen):,}; the worst round")]


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
