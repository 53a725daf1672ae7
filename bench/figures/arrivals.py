"""Five hundred who come within ten seconds: what their publisher is asked for and still sends, and
how long they wait."""
import statistics
import threading
import time

from bench.figures import load, machine, relay
from bench.figures.load import Load, Shape
from bench.figures.measure import Figure

JOINS = 500
WITHIN = 10  # seconds
THERE = 20  # who watch before
CALM = 3  # seconds after it for which the relay is looked at
WINDOW = 2  # seconds, in which a key frame is asked for once at most
LOOK = 0.25  # seconds from one look at the relay to the next
# A packet a frame, and many of them: a second of the relay's meter holds one more or less.
SENT = Shape(frame_packets=1, fps=30)


def scenario(joins):
    """They begin to come when those who are there have a picture."""
    lines = ["[clients.default]", "plain = true", "[clients.default.video]",
             f"bitrate_kbps = {load.kbps_of(SENT)}", f"fps = {SENT.fps}",
             "[[phases]]", 'kind = "storm"', f'duration = "{WITHIN + 2 * CALM}s"',
             f"viewers = {THERE}", f"joins = {joins}", f'within = "{WITHIN}s"']
    return "\n".join(lines) + "\n"


class Watch:
    """Looks at a relay again and again while the `with` block runs."""

    def __init__(self, simpuld):
        self._simpuld = simpuld
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.requests = []  # when, and how many had been sent by then
        self.rates = []  # bits a second that came from the publisher

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _look(self):
        while not self._done.wait(LOOK):
            sent = self._simpuld.metric("simpul_keyframe_requests_total", 'direction="sent"')
            self.requests.append((time.monotonic(), sent))
            self.rates.append(self._simpuld.published_bps())


def most_within(requests, seconds):
    """How many were sent between two looks that are no further apart. The relay tells once a
    second, so that some of a second more may be among them."""
    return max((later - earlier for i, (began, earlier) in enumerate(requests)
                for at, later in requests[i:] if at - began <= seconds), default=0)


def dip(rates):
    """By which share the least is below the middle one: each is what the relay received within a
    second. It tells once a second what it knows of its people, and of a publisher nothing before
    it has told for the first time."""
    began = next((i for i, rate in enumerate(rates) if rate > 0), len(rates))
    if began == len(rates):
        raise RuntimeError("the relay told nothing of the publisher")
    return 1 - min(rates[began:]) / statistics.median(rates[began:])


def own_delay(reports):
    """How late the publisher itself was: it lives in the process of all who come."""
    return max(report["own_late_ms_p99"] for report in reports)


def one_crowd(joins):
    """What the publisher was asked for and sent from the first of those who join on, and what
    all of them saw."""
    with relay.Relay() as simpuld, Load(simpuld.port, None, 2 * (CALM + WITHIN), simpuld.pid,
                                        scenario=scenario(joins)) as people:
        people.wait_until_measuring()
        with Watch(simpuld) as seen:
            time.sleep(WITHIN + CALM)
        people.check_measuring()  # else they went before the last look
        return seen, people.result()


def arrivals(context):
    joins = context.scaled(JOINS)
    seen, came = zip(*(one_crowd(joins) for _ in range(context.rounds)), strict=True)
    return [Figure("arrivals", f"{joins} joins within {WITHIN} s: key frames that the publisher is "
                   f"asked for within {WINDOW} s", max(most_within(one.requests, WINDOW)
                                                      for one in seen), "", 1,
                   note="the worst round"),
            Figure("arrivals", "its rate dips by", max(dip(one.rates) for one in seen) * 100, "%",
                   10, note="of a second, the least below the median; the worst round; its own process "
                   f"was up to {own_delay(came):.0f} ms late"),
            Figure("arrivals", "95 % have a first frame within",
                   statistics.median(report["first_frame_ms_p95"] for report in came), "ms", 700,
                   noise=machine.spread([report["first_frame_ms_p95"] for report in came]))]
