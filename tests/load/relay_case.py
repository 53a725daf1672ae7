"""A relay of two workers beside each test of simpul-load.

Whoever imports this is called with PATH_OF_SIMPULD PATH_OF_SIMPUL_LOAD.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

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
[log]
level = "warning"
"""
READY = re.compile(r"simpuld ready http=127\.0\.0\.1:(\d+) ")
PATIENCE = 240  # seconds; only a hanging program takes so long


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

    def stop_relay(self):
        self.relay.terminate()
        self.assertEqual(self.relay.wait(PATIENCE), 0)
        self.relay.stdout.close()
