"""A relay of two workers beside each test of simpul-load.

Whoever imports this is called with PATH_OF_SIMPULD PATH_OF_SIMPUL_LOAD.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

SIMPULD, SIMPUL_LOAD = sys.argv.pop(1), sys.argv.pop(1)
CONFIG = """
[http]
listen = "127.0.0.1:0"
[media]
port = 0
tcp_port = 0
workers = 2
[limits]
publishers_per_room = 500
speakers_per_room = 10
[log]
level = "warning"
"""
READY = re.compile(r"simpuld ready http=127\.0\.0\.1:(\d+) ")
PATIENCE = 240  # seconds; only a hanging program takes so long
RUNS_MAX = 10  # on a machine whose memory for sockets others use up


class RelayCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        config = self.folder / "simpuld.toml"
        config.write_text(CONFIG, encoding="utf-8")
        self.relay = subprocess.Popen([SIMPULD, "--dev", "--config", str(config)],
                                      stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop_relay)
        ready = READY.match(self.relay.stdout.readline())
        self.assertTrue(ready, "simpuld did not start")
        self.port = ready[1]

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics",
                                    timeout=PATIENCE) as page:
            return page.read().decode()

    def relay_overflows(self):
        return sum(map(int, re.findall(r"^simpul_socket_overflow_total\S* (\d+)", self.metrics(),
                                       re.M)))

    def run_with_room(self, run):
        """What run() returns, a report at its end. All sockets of a machine share memory: what
        other programs take of it is no loss of ours. Such a run, which says so, is made again."""
        for _ in range(RUNS_MAX):
            before = self.relay_overflows()
            done = run()
            if done[-1]["own_socket_overflows"] == 0 and self.relay_overflows() == before:
                break
            print("the machine had no room for datagrams: again", flush=True)
        return done

    def stop_relay(self):
        self.relay.terminate()
        self.assertEqual(self.relay.wait(PATIENCE), 0)
        self.relay.stdout.close()
