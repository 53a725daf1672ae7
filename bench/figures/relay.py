"""simpuld in a process of its own, and what it tells of itself."""
import pathlib
import re
import subprocess
import tempfile
import urllib.request

from bench.figures import machine

CONFIG = """
[http]
listen = "127.0.0.1:0"
[media]
listen = ["127.0.0.1"]
port = 0
tcp_port = 0
workers = {workers}
[log]
level = "warning"
"""
READY = re.compile(r"simpuld ready http=127\.0\.0\.1:(\d+) ")


class Relay:
    """Runs while the `with` block does."""

    def __init__(self, workers=1, prefix=(), environment=None):
        self._workers = workers
        self._prefix = list(prefix)
        self._environment = environment

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="simpul-bench-")
        config = pathlib.Path(self._folder.name) / "simpuld.toml"
        config.write_text(CONFIG.format(workers=self._workers))
        self._process = subprocess.Popen(
            [*self._prefix, machine.BUILD / "daemon/simpuld", "--dev", "--config", config],
            stdout=subprocess.PIPE, text=True, env=self._environment)
        ready = READY.match(self._process.stdout.readline())
        if not ready:
            self.__exit__()
            raise RuntimeError("simpuld did not start")
        self.port = int(ready[1])
        self.pid = self._process.pid
        return self

    def __exit__(self, *_):
        machine.end_process(self._process)
        self._process.stdout.close()
        self._folder.cleanup()

    def metric(self, name):
        """The sum over its labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics",
                                    timeout=machine.PATIENCE) as page:
            text = page.read().decode()
        found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M)
        return sum(float(value) for value in found)

    def cpu_seconds(self):
        return machine.cpu_seconds(self.pid)

    def resident_kib(self):
        return machine.resident_kib(self.pid)
