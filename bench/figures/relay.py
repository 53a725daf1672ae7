"""simpuld in a process of its own, and what it tells of itself."""
import http
import json
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from bench.figures import machine

CONFIG = """
[http]
listen = "127.0.0.1:0"
[media]
listen = ["{address}"]
port = 0
tcp_port = 0
workers = {workers}
spread_rooms = {spread_rooms}
[limits]
speakers_per_room = 10
[log]
level = "warning"
"""
LOOPBACK = "127.0.0.1"
ADMITTED = 20  # seconds; only an HTTP server that nobody gets into takes so long
READY = re.compile(r"simpuld ready http=127\.0\.0\.1:(\d+) ")


def who_is_apart(people):
    """For each slot of a room's people whether its publisher is on another worker."""
    connections = [(person["id"], connection) for person in people
                   for connection in person["connections"]]
    homes = {name: connection["worker"] for name, connection in connections
             if connection["role"] == "whip"}
    return [homes[slot["participant"]] != connection["worker"] for _, connection in connections
            for slot in connection["slots"] if slot["participant"] in homes]


class Relay:
    """Runs while the `with` block does. Raises at its end when the process had ended before, or
    does not end well."""

    def __init__(self, workers=1, environment=None, spread_rooms=False, address=LOOPBACK):
        """Media go through `address`."""
        self._config = CONFIG.format(workers=workers, spread_rooms=str(spread_rooms).lower(),
                                     address=address)
        self._environment = environment

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="simpul-bench-")
        config = pathlib.Path(self._folder.name) / "simpuld.toml"
        config.write_text(self._config)
        self._process = subprocess.Popen(
            [machine.BUILD / "daemon/simpuld", "--dev", "--config", config],
            stdout=subprocess.PIPE, text=True, env=self._environment)
        ready = READY.match(self._process.stdout.readline())
        if not ready:
            self._end()
            raise RuntimeError("simpuld did not start")
        self.port = int(ready[1])
        self.pid = self._process.pid
        return self

    def __exit__(self, error, *_):
        ended = self._process.poll()
        self._end()
        if ended is not None:
            raise RuntimeError(f"simpuld ended by itself, status {ended}")
        if error is None and self._process.returncode != 0:
            raise RuntimeError(f"simpuld ended with status {self._process.returncode}")

    def _end(self):
        machine.end_process(self._process)
        self._process.stdout.close()
        self._folder.cleanup()

    def _get(self, path):
        """Asks again where those who join have all the connections that one address may have."""
        end = time.monotonic() + ADMITTED
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}",
                                            timeout=machine.PATIENCE) as page:
                    return page.read().decode()
            except urllib.error.HTTPError as error:
                if error.code != http.HTTPStatus.TOO_MANY_REQUESTS or time.monotonic() > end:
                    raise
                error.close()
            time.sleep(0.05)

    def metric(self, name, labels=""):
        """The sum over its labels, or over those with `labels`."""
        found = re.findall(rf"^{name}(?:{{[^}}]*{labels}[^}}]*}})? (\S+)$", self._get("/metrics"),
                           re.M)
        return sum(float(value) for value in found)

    def _list(self, path, name):
        """All pages of a list of the API."""
        found, after = [], ""
        while True:
            page = json.loads(self._get(f"{path}?limit=1000{after}"))
            found += page[name]
            if page["next"] is None:
                return found
            after = f"&after={page['next']}"

    def published_bps(self):
        """Of all video that comes in, in the only room that has any."""
        room, = self._list("/v1/rooms", "rooms")
        people = self._list(f"/v1/rooms/{room['id']}/participants", "participants")
        return sum(layer["bitrate_bps"] for person in people for connection in person["connections"]
                   if connection["role"] == "whip" for track in connection["tracks"]
                   if track["kind"] == "video" for layer in track["layers"])

    def share_apart(self):
        """Of those who watch somebody, how many do so from another worker."""
        apart = []
        for room in self._list("/v1/rooms", "rooms"):
            try:
                people = self._list(f"/v1/rooms/{room['id']}/participants", "participants")
            except urllib.error.HTTPError as error:
                error.close()
                if error.code != http.HTTPStatus.NOT_FOUND:
                    raise
                continue  # the last of it have just gone
            apart += who_is_apart(people)
        return sum(apart) / max(len(apart), 1)

    def cpu_seconds(self):
        return machine.cpu_seconds(self.pid)

    def resident_kib(self):
        return machine.resident_kib(self.pid)
