#!/usr/bin/env python3
"""The program from outside: exit statuses, the ready line, signals, what systemd is told.

usage: command_line_test.py PATH_OF_SIMPULD
"""
import ctypes
import errno
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

SIMPULD = sys.argv.pop(1)
# Any free ports, so that tests may run side by side.
ANY_PORTS = '[http]\nlisten = "127.0.0.1:0"\n[media]\nport = 0\ntcp_port = 0\nworkers = 2\n'
READY = re.compile(r"simpuld ready http=127\.0\.0\.1:(\d+) media=udp:(\d+)-(\d+)\n")
PATIENCE = 60  # seconds; only a hanging program takes so long
PORT_IN_USE = 3
PORTS_TRIED = 10  # others may take one that was free


def without_ipv6():
    """Makes this process one of a kernel without IPv6: a seccomp filter refuses its sockets."""
    number = {"x86_64": 41, "aarch64": 198}[os.uname().machine]  # of socket(2)
    filters = b"".join(struct.pack("HBBI", *f) for f in (
        (0x20, 0, 0, 0),                                   # load the call's number
        (0x15, 0, 3, number),
        (0x20, 0, 0, 16),                                  # load its first argument
        (0x15, 0, 1, socket.AF_INET6),
        (0x06, 0, 0, 0x00050000 | errno.EAFNOSUPPORT),     # fail
        (0x06, 0, 0, 0x7FFF0000),                          # allow
    ))
    code = ctypes.create_string_buffer(filters)
    program = struct.pack("HxxxxxxP", len(filters) // 8, ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def config(self, text):
        path = self.folder / "simpuld.toml"
        path.write_text(text)
        return str(path)

    def ends(self, *arguments):
        return subprocess.run([SIMPULD, *arguments], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)

    def start(self, *arguments, preparation=None, **environment):
        process = subprocess.Popen([SIMPULD, *arguments], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, preexec_fn=preparation,
                                   env=os.environ | environment)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def test_help_and_version_end_well(self):
        self.assertIn("--check-config", self.ends("--help").stdout)
        version = self.ends("--version")
        self.assertRegex(version.stdout, r"^simpuld \d+\.\d+\.\d+\n$")
        self.assertEqual(version.returncode, 0)

    def test_wrong_usage_is_2(self):
        for arguments in (["--nonsense"], ["word"], ["--config"]):
            ended = self.ends(*arguments)
            self.assertEqual(ended.returncode, 2, arguments)
            self.assertEqual(ended.stderr.count("\n"), 1, ended.stderr)
            self.assertEqual(ended.stdout, "")

    def test_bad_configuration_is_1_with_file_line_key_and_reason(self):
        path = self.config("[media]\nport = 65536\n")
        ended = self.ends("--config", path)
        self.assertEqual(ended.returncode, 1)
        self.assertEqual(ended.stderr, f"{path}:2:8: media.port: must be 0 to 65535\n")
        self.assertEqual(self.ends("--config", "/nonexistent").returncode, 1)

    def test_http_beyond_loopback_is_1(self):
        path = self.config('[http]\nlisten = "0.0.0.0:0"\n')
        for arguments in (["--config", path], ["--dev", "--config", path]):
            ended = self.ends(*arguments)
            self.assertEqual(ended.returncode, 1, arguments)
            self.assertIn("http.listen", ended.stderr)

    def test_check_config_binds_nothing(self):
        self.assertEqual(self.ends("--check-config").returncode, 0)
        self.assertEqual(self.ends("--check-config", "--config",
                                   self.config("[media]\nx = 1\n")).returncode, 1)

    def test_a_port_in_use_is_3(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            ended = self.ends("--config", self.config(
                ANY_PORTS.replace("127.0.0.1:0", f"127.0.0.1:{port}")))
        self.assertEqual(ended.returncode, 3)
        self.assertIn(str(port), ended.stderr)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("0.0.0.0", 0))
            port = taken.getsockname()[1]
            ended = self.ends("--config", self.config(
                ANY_PORTS.replace("port = 0", f"port = {port}")))
        self.assertEqual(ended.returncode, 3)
        self.assertIn(str(port), ended.stderr)

    def test_says_when_it_serves_and_ends_on_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            for arguments in ([], ["--dev"]):
                process = self.start("--config", self.config(ANY_PORTS), *arguments)
                ready = READY.fullmatch(process.stdout.readline())
                self.assertIsNotNone(ready)
                socket.create_connection(("127.0.0.1", int(ready[1])), PATIENCE).close()
                process.send_signal(number)
                output, _ = process.communicate(timeout=PATIENCE)
                self.assertEqual(process.returncode, 0)
                self.assertEqual(output, "", "one line only")

    def test_serves_ipv4_where_the_kernel_has_no_ipv6(self):
        process = self.start("--dev", "--config", self.config(ANY_PORTS), preparation=without_ipv6)
        self.assertRegex(process.stdout.readline(), READY)
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(log, "no_ip_family missing=IPv6")
        self.assertRegex(log, r"media_announced addresses=.*127\.0\.0\.1")
        self.assertNotRegex(log, r"media_announced .*::")

    def test_an_address_that_the_machine_does_not_have_is_3(self):
        ended = self.ends("--config", self.config(
            ANY_PORTS + 'listen = ["0.0.0.0", "2001:db8::7"]\n'))
        self.assertEqual(ended.returncode, 3)
        self.assertIn("bind [2001:db8::7]", ended.stderr)

    def test_listens_on_the_configured_sockets_only(self):
        process = self.start("--config", self.config(ANY_PORTS + 'listen = ["127.0.0.1"]\n'))
        line = process.stdout.readline()
        ready = READY.fullmatch(line)
        self.assertIsNotNone(ready)
        folder = pathlib.Path(f"/proc/{process.pid}")
        inodes = {match[1] for descriptor in (folder / "fd").iterdir()
                  if (match := re.match(r"socket:\[(\d+)\]", os.readlink(descriptor)))}
        found = set()
        for table in ("tcp", "tcp6", "udp", "udp6"):
            for entry in (folder / "net" / table).read_text().splitlines()[1:]:
                fields = entry.split()
                if fields[9] in inodes and (fields[3] == "0A" or table.startswith("udp")):
                    found.add((table, fields[1]))
        tcp_ports = [int(ready[1]), *map(int, re.findall(r"tcp:(\d+)", line))]
        expected = {("tcp", f"0100007F:{port:04X}") for port in tcp_ports}
        expected |= {("udp", f"0100007F:{port:04X}") for port in (int(ready[2]), int(ready[3]))}
        self.assertEqual(found, expected)

    def test_listens_for_media_by_tcp(self):
        for _ in range(PORTS_TRIED):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            text = ANY_PORTS.replace("tcp_port = 0", f'tcp_port = {port}\nlisten = ["127.0.0.1"]')
            process = self.start("--config", self.config(text))
            ready = process.stdout.readline()
            if ready or process.wait(PATIENCE) != PORT_IN_USE:
                break
        self.assertRegex(ready,
                         rf"^simpuld ready http=\S+ media=udp:\d+-\d+,tcp:{port}\n$")
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            connection.settimeout(PATIENCE)
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
            self.assertEqual(connection.recv(1000), b"")
        ended = self.ends("--config", self.config(text))
        self.assertEqual(ended.returncode, 3)
        self.assertIn(f"127.0.0.1:{port}", ended.stderr)

    def test_outlives_its_reader(self):
        process = self.start("--config", self.config(ANY_PORTS))
        self.assertRegex(process.stdout.readline(), READY)
        process.stdout.close()
        process.stderr.close()
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_raises_the_descriptor_limit_and_forbids_dumps(self):
        process = self.start("--config", self.config(ANY_PORTS))
        self.assertRegex(process.stdout.readline(), READY)
        limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
        soft, hard = re.search(r"Max open files +(\S+) +(\S+)", limits).groups()
        self.assertEqual(soft, hard)
        self.assertRegex(limits, r"Max core file size +0 +0 ")

    def test_tells_systemd(self):
        path = str(self.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(PATIENCE)
            process = self.start("--config", self.config(ANY_PORTS), NOTIFY_SOCKET=path,
                                 WATCHDOG_USEC="300000")
            self.assertTrue(manager.recv(1000).startswith(b"READY=1\nSTATUS=serving http="))
            for _ in range(3):
                self.assertEqual(manager.recv(1000), b"WATCHDOG=1")
            process.terminate()
            message = manager.recv(1000)
            while message == b"WATCHDOG=1":
                message = manager.recv(1000)
            self.assertEqual(message, b"STOPPING=1")


if __name__ == "__main__":
    unittest.main()
