"""simpul-load, as a shape of people and media, and simpul-floor for the same shape."""
import dataclasses
import json
import subprocess
import tempfile
import time

from bench.figures import machine

LOAD = machine.BUILD / "bench/load/simpul-load"
FLOOR = machine.BUILD / "bench/floor/simpul-floor"
PACKET_BYTES = 1200  # of video, as it leaves
PAYLOAD_BYTES = 1157  # of it, as a frame of nine at 2.5 Mbit/s has it


@dataclasses.dataclass(frozen=True)
class Shape:
    """Who is there and what they send. Without video `frame_packets` is 0."""
    viewers: int = 200
    publishers: int = 1
    rooms: int = 1
    pairs: bool = False
    frame_packets: int = 9
    fps: int = 30
    burst_packets: int = 0
    profile: str = "gcm"
    repair_seconds: int = 0  # pairs change so often; 0: never
    arguments: tuple = ()  # more of simpul-load's

    def streams(self):
        """Of one publisher to one viewer."""
        return self.rooms * (2 if self.pairs else self.viewers)

    def connections(self):
        return self.rooms * (4 if self.pairs else self.viewers + self.publishers)

    def packets_per_second(self):
        return self.streams() * (self.frame_packets * self.fps + 50)


def kbps_of(shape):
    return round(shape.frame_packets * PAYLOAD_BYTES * 8 * shape.fps / 1000)


def flags_of(shape):
    """What a shape is by flags alone."""
    flags = ["--rooms", str(shape.rooms)]
    if shape.pairs:
        flags += ["--pairs"]
    else:
        flags += ["--publishers", str(shape.publishers), "--viewers", str(shape.viewers)]
    if shape.frame_packets:
        flags += ["--bitrate-kbps", str(kbps_of(shape)), "--fps", str(shape.fps)]
    else:
        flags += ["--audio-only"]
    if shape.burst_packets:
        flags += ["--burst-packets", str(shape.burst_packets)]
    return flags


def scenario_of(shape, seconds):
    """Pairs that change: what flags do not know."""
    return "\n".join(["[clients.default]", "plain = true", "[clients.default.video]",
                      f"bitrate_kbps = {kbps_of(shape)}", f"fps = {shape.fps}", "[[phases]]",
                      'kind = "pairs"', f"pairs = {shape.rooms}",
                      f'every = "{shape.repair_seconds}s"', f'duration = "{seconds}s"', ""])


class Load:
    """People at a relay for as long as the `with` block runs, or until they are done."""

    def __init__(self, port, shape, seconds, pid=0, nice=0):
        seconds = round(seconds)
        more = list(shape.arguments)
        if shape.profile != "gcm":
            more += ["--srtp-profile", shape.profile]
        self._scenario = None
        if shape.repair_seconds:
            self._scenario = tempfile.NamedTemporaryFile("w", suffix=".toml")
            self._scenario.write(scenario_of(shape, seconds))
            self._scenario.flush()
            people = [self._scenario.name]
        else:
            people = ["--seconds", str(seconds), *flags_of(shape)]
        self._command = [LOAD, *people, "--port", str(port), "--relay-pid", str(pid), *more,
                         "--json"]
        if nice:
            self._command = ["nice", "-n", str(nice), *self._command]

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        machine.end_process(self._process)
        self._process.stdout.close()
        self._process.stderr.close()
        if self._scenario:
            self._scenario.close()

    def check(self):
        """Raises when it has ended too early."""
        if self._process.poll() is not None:
            raise RuntimeError(f"simpul-load ended: {self._process.stderr.read().strip()}")

    def result(self):
        out, error = self._process.communicate(timeout=machine.PATIENCE)
        if not out.strip():
            raise RuntimeError(f"simpul-load: {error.strip()}")
        return json.loads(out)


def wait_until(condition, load, seconds=machine.PATIENCE):
    """Looks a few times a second; the load must not end meanwhile."""
    end = time.monotonic() + seconds
    while not condition():
        load.check()
        if time.monotonic() > end:
            raise RuntimeError("not everybody came in time")
        time.sleep(0.1)


def floor(shape, seconds, subscribers=None, speakers=None):
    """CPU per packet of the least that a relay can do for this shape, in microseconds."""
    done = subprocess.run(
        [FLOOR, "--seconds", str(seconds), "--packet-bytes", str(PACKET_BYTES),
         "--subscribers", str(subscribers or shape.viewers),
         "--frame-packets", str(shape.frame_packets), "--fps", str(shape.fps),
         "--burst-packets", str(shape.burst_packets), "--profile", shape.profile,
         "--speakers", str(speakers or shape.publishers)],
        capture_output=True, text=True, timeout=machine.PATIENCE + seconds, check=True)
    return json.loads(done.stdout)["cpu_us_per_packet"]
