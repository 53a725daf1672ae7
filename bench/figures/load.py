"""simpul-load, as a shape of people and media, and simpul-floor for the same shape."""
import dataclasses
import functools
import json
import subprocess
import time

from bench.figures import machine

LOAD = machine.BUILD / "bench/load/simpul-load"
FLOOR = machine.BUILD / "bench/floor/simpul-floor"
PACKET_BYTES = 1200  # of video, as it leaves
PAYLOAD_BYTES = 1157  # of it, as a frame of nine at 2.5 Mbit/s has it


class Unable(Exception):
    """simpul-load cannot do what a row needs."""


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
    arguments: tuple = ()  # more of simpul-load's

    def streams(self):
        """Of one publisher to one viewer."""
        return self.rooms * (2 if self.pairs else self.viewers)

    def connections(self):
        return self.rooms * (4 if self.pairs else self.viewers + self.publishers)

    def packets_per_second(self):
        return self.streams() * (self.frame_packets * self.fps + 50)


@functools.cache
def abilities():
    return subprocess.run([LOAD, "--help"], capture_output=True, text=True, check=True).stdout


def optional(flag, *values):
    if flag not in abilities():
        raise Unable(f"simpul-load has no {flag}")
    return [flag, *map(str, values)]


def load_arguments(shape):
    arguments = ["--rooms", str(shape.rooms)]
    if shape.pairs:
        arguments += ["--pairs"]
    else:
        arguments += ["--publishers", str(shape.publishers), "--viewers", str(shape.viewers)]
    if shape.frame_packets:
        kbps = round(shape.frame_packets * PAYLOAD_BYTES * 8 * shape.fps / 1000)
        arguments += ["--bitrate-kbps", str(kbps), "--fps", str(shape.fps)]
    else:
        arguments += optional("--audio-only")
    if shape.burst_packets:
        arguments += optional("--burst-packets", shape.burst_packets)
    if shape.profile != "gcm":
        arguments += optional("--srtp-profile", shape.profile)
    return [*arguments, *shape.arguments]


class Load:
    """People at a relay for as long as the `with` block runs, or until they are done."""

    def __init__(self, port, shape, seconds, pid=0, nice=0):
        self._command = [LOAD, "--port", str(port), "--seconds", str(round(seconds)), "--json",
                         "--relay-pid", str(pid), *load_arguments(shape)]
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

    def check(self):
        """Raises when it has ended too early."""
        if self._process.poll() is not None:
            raise RuntimeError(f"simpul-load ended: {self._process.stderr.read().strip()}")

    def result(self):
        out, error = self._process.communicate(timeout=machine.PATIENCE)
        if not out.strip():
            raise RuntimeError(f"simpul-load: {error.strip()}")
        return json.loads(out)


def wait_until(condition, load, seconds=60):
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
