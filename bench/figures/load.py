"""simpul-load, as a shape of people and media, and simpul-floor for the same shape."""
import dataclasses
import json
import math
import re
import signal
import subprocess
import tempfile
import threading
import time

from bench.figures import machine

LOAD = machine.BUILD / "bench/load/simpul-load"
FLOOR = machine.BUILD / "bench/floor/simpul-floor"
PACKET_BYTES = 1200  # of video, as it leaves
PAYLOAD_BYTES = 1157  # of it, as a frame of nine at 2.5 Mbit/s has it
SPARE = 20  # seconds that people would stay longer than they are needed, on a slow machine

# What simpul-load told of its runs since somebody cleared it.
reports = []


@dataclasses.dataclass(frozen=True)
class Shape:
    """Who is there and what they send. Without video `frame_packets` is 0."""
    viewers: int = 200
    publishers: int = 1
    rooms: int = 1
    pairs: bool = False
    frame_packets: int = 9
    fps: int = 30
    audio: bool = True
    burst_packets: int = 0
    heard: int = 1  # publishers that each viewer gets; if one, viewers are shared out among them
    decrypting: float = 1.0  # share of the viewers; the others count what they get
    profile: str = "gcm"
    repair_seconds: int = 0  # pairs change so often; 0: never
    arguments: tuple = ()  # more of simpul-load's

    def publishers_in_all(self):
        return self.rooms * (2 if self.pairs else self.publishers)

    def watchers(self):
        return self.rooms * (2 if self.pairs else self.viewers)

    def connections(self):
        return self.publishers_in_all() + self.watchers()


def kbps_of(shape):
    return round(shape.frame_packets * PAYLOAD_BYTES * 8 * shape.fps / 1000)


def flags_of(shape):
    """What a shape is by flags alone."""
    flags = ["--rooms", str(shape.rooms)]
    if shape.pairs:
        flags += ["--pairs"]
    else:
        flags += ["--publishers", str(shape.publishers), "--viewers", str(shape.viewers)]
    if shape.heard > 1:
        flags += ["--hears", str(shape.heard)]
    if shape.frame_packets:
        flags += ["--bitrate-kbps", str(kbps_of(shape)), "--fps", str(shape.fps)]
    else:
        flags += ["--audio-only"]
    if shape.burst_packets:
        flags += ["--burst-packets", str(shape.burst_packets)]
    return flags


def people_of(shape):
    """The class of a scenario, for what flags do not know."""
    return ["[clients.default]", "plain = true", f"audio = {'{}' if shape.audio else 'false'}",
            f"decrypting_share = {shape.decrypting}", "[clients.default.video]",
            f"bitrate_kbps = {kbps_of(shape)}", f"fps = {shape.fps}"]


def scenario_of(shape, seconds):
    """Pairs that change, pictures without sound, viewers who do not decrypt."""
    lines = [*people_of(shape), "[[phases]]", f'duration = "{seconds}s"']
    if shape.pairs:
        lines += ['kind = "pairs"', f"pairs = {shape.rooms}",
                  f'every = "{shape.repair_seconds}s"']
    else:
        lines += ['kind = "stage"', f"rooms = {shape.rooms}",
                  f"publishers = {shape.publishers}", f"viewers = {shape.viewers}"]
    return "\n".join(lines) + "\n"


def is_scenario(shape):
    return shape.repair_seconds > 0 or not shape.audio or shape.decrypting < 1


class Load:
    """People at a relay for as long as the `with` block runs, or until they are done."""

    def __init__(self, port, shape, seconds, pid=0, nice=0, scenario=None):
        """They are measured for `seconds` or a little more; a scenario of its own says itself."""
        seconds = math.ceil(seconds)
        self._patience = seconds + machine.PATIENCE
        self._files = [tempfile.NamedTemporaryFile("w+", suffix=suffix)
                       for suffix in (".toml", ".json")]
        more = list(shape.arguments) if shape else []
        if shape and shape.profile != "gcm":
            more += ["--srtp-profile", shape.profile]
        if scenario or is_scenario(shape):
            self._files[0].write(scenario or scenario_of(shape, seconds))
            self._files[0].flush()
            people = [self._files[0].name]
        else:
            people = ["--seconds", str(seconds), *flags_of(shape)]
        self._command = [LOAD, *people, "--port", str(port), "--relay-pid", str(pid), *more,
                         "--json"]
        if nice:
            self._command = ["nice", "-n", str(nice), *self._command]
        self._told = []

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdout=self._files[1],
                                         stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_):
        machine.end_process(self._process)
        self._reader.join()
        self._process.stderr.close()
        for file in self._files:
            file.close()

    def _listen(self):
        for line in self._process.stderr:
            self._told.append(line.strip())

    def is_measuring(self, phase=""):
        """By what it told last: all of a phase, or of any, are there and have not begun to go."""
        last = self._told[-1] if self._told else ""
        return re.search(rf"{re.escape(phase)} measuring \d", last) is not None

    def seconds_told(self):
        """Of the run, when it last told anything."""
        return float(self._told[-1].split()[0])

    def check(self):
        """Raises when it has ended too early."""
        if self._process.poll() is not None:
            self._reader.join()
            raise RuntimeError(f"simpul-load ended: {' '.join(self._told[-1:]) or 'silently'}")

    def check_measuring(self):
        """Raises when people have begun to go."""
        self.check()
        if not self.is_measuring():
            raise RuntimeError(f"people left before the end: {self._told[-1:]}")

    def wait_until_measuring(self, phase=""):
        wait_until(lambda: self.is_measuring(phase), self)

    def has_changed(self, seconds):
        """Whether the first change of partners, so many seconds into the measured time, is over:
        everybody has a picture again."""
        last = self._told[-1] if self._told else ""
        measured = re.search(r" measuring (\d+)", last)
        return measured is not None and int(measured[1]) > seconds and "joining" not in last

    def cpu_seconds(self):
        return machine.cpu_seconds(self._process.pid)

    def finish(self):
        """Sends people away who would have stayed longer: what they saw until now."""
        self.check_measuring()
        self._process.send_signal(signal.SIGINT)
        return self.result()

    def result(self):
        """What they saw. Raises where somebody could not join, had no picture or got rubbish."""
        status = self._process.wait(self._patience)
        self._reader.join()
        self._files[1].seek(0)
        text = self._files[1].read()
        if status not in (0, 1) or not text.strip():
            raise RuntimeError(f"simpul-load: status {status}: {' '.join(self._told[-1:])}")
        report = json.loads(text)
        reports.append(report)
        if report["complaints"]:
            raise RuntimeError("simpul-load: " + "; ".join(report["complaints"][:3]))
        return report


def loss_note():
    """What was lost in the runs since reports was cleared; empty when there were none."""
    expected = sum(report["expected"] for report in reports)
    if not expected:
        return ""
    lost = sum(report["lost"] for report in reports)
    return f"{lost / expected * 100:.2g} % lost"


def bottleneck_note():
    """What to say of the runs since reports was cleared; empty when there is nothing."""
    bottlenecks = [report for report in reports if report["bottleneck"]]
    if not bottlenecks:
        return ""
    worst = max(bottlenecks, key=lambda report: report["own_cpu_share"] + report["own_wait_share"])
    return (f"simpul-load was the bottleneck in {len(bottlenecks)} "
            f"run{'s' if len(bottlenecks) > 1 else ''}: CPU {worst['own_cpu_share'] * 100:.0f} %, "
            f"waited {worst['own_wait_share'] * 100:.0f} %, late {worst['own_late_ms_p99']:.0f} ms")


def wait_until(condition, load, seconds=machine.PATIENCE):
    """Looks a few times a second; the load must not end meanwhile."""
    end = time.monotonic() + seconds
    while not condition():
        load.check()
        if time.monotonic() > end:
            raise RuntimeError("not everybody came in time")
        time.sleep(0.1)


@dataclasses.dataclass(frozen=True)
class Feedback:
    """What viewers tell a relay: transport-wide feedback, reports and requests."""
    rate: float = 0  # messages a second from each viewer
    size: int = 80  # mean, in bytes, before they are sealed

    def __str__(self):
        return f"{self.rate:.1f} messages of feedback/s a viewer"


def feedback_of(report, shape):
    """As those of a run gave it."""
    if not report["feedback"]:
        return Feedback()
    words = round(report["feedback_bytes"] / report["feedback"] / 4)
    return Feedback(report["feedback"] / report["seconds"] / shape.watchers(), 4 * words)


def floor_command(shape, seconds, feedback=Feedback()):
    return [FLOOR, "--seconds", str(seconds), "--packet-bytes", str(PACKET_BYTES),
            "--publishers", str(shape.publishers_in_all()),
            "--subscribers", str(shape.watchers()), "--heard", str(shape.heard),
            "--frame-packets", str(shape.frame_packets), "--fps", str(shape.fps),
            "--burst-packets", str(shape.burst_packets), "--profile", shape.profile,
            "--feedback", f"{feedback.rate:.3f}", "--feedback-bytes", str(feedback.size),
            *([] if shape.audio else ["--no-audio"])]


def floor(shape, seconds, feedback):
    """CPU per packet of the least that a relay can do for this shape, in microseconds: the same
    packets to the same number of sockets, from which as much feedback comes."""
    done = subprocess.run(floor_command(shape, seconds, feedback), capture_output=True, text=True,
                          timeout=machine.PATIENCE + seconds, check=True)
    told = json.loads(done.stdout)
    wished = feedback.rate * shape.watchers()
    if told["feedback_per_second"] < 0.8 * wished:
        raise RuntimeError(f"the floor read {told['feedback_per_second']:,.0f} of {wished:,.0f} "
                           "messages of feedback a second")
    return told["cpu_us_per_packet"]
