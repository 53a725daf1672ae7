#!/usr/bin/env python3
"""What scripts/bench does about programs that end, fail, or are too slow.

usage: figures_programs_test.py
"""
import io
import json
import os
import pathlib
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True

from bench.figures import janus, load, machine, measure, relay
from bench.figures.load import Shape


def complete_report(**changes):
    """What simpul-load tells of a run in which all went well."""
    return {"bottleneck": False, "complaints": [], "own_cpu_share": 0.1, "own_wait_share": 0.1,
            "own_late_ms_p99": 1, "expected": 100, "lost": 0, "seconds": 2} | changes


class Load(unittest.TestCase):
    """simpul-load is a script that says what the test wants."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = pathlib.Path(folder.name) / "simpul-load"
        kept = load.LOAD
        self.addCleanup(setattr, load, "LOAD", kept)
        load.LOAD = self.program
        load.reports.clear()
        self.addCleanup(load.reports.clear)

    def start(self, script):
        self.program.write_text("#!/bin/sh\n" + script)
        self.program.chmod(0o755)
        return load.Load(1, Shape(), 1)

    def result_of(self, report, status=0):
        with self.start(f"echo '{json.dumps(report)}'; exit {status}") as load_run:
            return load_run.result()

    def test_gives_what_it_reports(self):
        self.assertEqual(self.result_of(complete_report(expected=7))["expected"], 7)
        self.assertEqual(load.bottleneck_note(), "")

    def test_fails_where_somebody_could_not_join(self):
        with self.assertRaisesRegex(RuntimeError, "3 could not join"):
            self.result_of(complete_report(complaints=["3 could not join"]), 1)

    def test_fails_with_what_it_said_when_it_gave_no_report(self):
        with self.start("echo refused >&2; exit 2") as load_run:
            with self.assertRaisesRegex(RuntimeError, "status 2: refused"):
                load_run.result()

    def test_fails_when_it_was_killed(self):
        with self.assertRaisesRegex(RuntimeError, "status -9"):
            with self.start("echo {}; kill -9 $$") as load_run:
                load_run.result()

    def test_tells_what_people_saw_when_they_are_sent_away(self):
        saw = self.program.with_name("saw")
        saw.write_text(json.dumps(complete_report(expected=7)))
        with self.start(f"trap 'cat {saw}; exit 0' INT\n"
                        "echo ' 1 s  load measuring 1/9 s  4 there' >&2\n"
                        "while :; do sleep 0.02; done") as load_run:
            load_run.wait_until_measuring()
            self.assertEqual(load_run.finish()["expected"], 7)

    def test_says_when_it_was_the_bottleneck(self):
        self.result_of(complete_report(bottleneck=True, own_cpu_share=0.97))
        self.assertIn("bottleneck in 1 run: CPU 97 %", load.bottleneck_note())

    def test_is_measuring_until_people_go(self):
        measuring = "echo ' 1 s  load measuring 1/2 s  4 there' >&2; exec sleep 600"
        with self.start(measuring) as load_run:
            load_run.wait_until_measuring()
            load_run.check_measuring()
            self.assertEqual(load_run.seconds_told(), 1)

    def test_knows_when_all_have_changed_their_partner(self):
        lines = ["14 s  pairs measuring 13/20 s  8 there", "15 s  pairs measuring 14/20 s  8 there",
                 "16 s  pairs measuring 15/20 s  8 there, 2 joining",
                 "17 s  pairs measuring 16/20 s  8 there"]
        load_run = load.Load(1, Shape(), 1)
        changed = []
        for line in lines:
            load_run._told.append(line)
            changed.append(load_run.has_changed(14))
        self.assertEqual(changed, [False, False, False, True])

    def test_fails_when_people_went_within_the_measurement(self):
        with self.start("echo ' 2 s  load leaving 0 s  4 there' >&2; exec sleep 600") as load_run:
            load.wait_until(lambda: load_run._told, load_run)
            with self.assertRaisesRegex(RuntimeError, "people left before the end"):
                load_run.check_measuring()

    def test_fails_when_it_ended_before_people_were_there(self):
        with self.start("echo 'no relay' >&2; exit 1") as load_run:
            with self.assertRaisesRegex(RuntimeError, "no relay"):
                load_run.wait_until_measuring()

    def test_a_rate_of_nothing_is_no_rate(self):
        with self.assertRaisesRegex(RuntimeError, "nobody was sent anything"):
            measure.packet_rate(complete_report(expected=0))


class Floor(unittest.TestCase):
    def floor_that_reads(self, feedback):
        kept = load.FLOOR
        self.addCleanup(setattr, load, "FLOOR", kept)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        load.FLOOR = pathlib.Path(folder.name) / "simpul-floor"
        load.FLOOR.write_text("#!/bin/sh\necho '" + json.dumps(
            {"cpu_us_per_packet": 0.8, "feedback_per_second": feedback}) + "'\n")
        load.FLOOR.chmod(0o755)

    def test_gives_its_cost(self):
        self.floor_that_reads(190)
        self.assertEqual(load.floor(Shape(viewers=20), 1, load.Feedback(10, 80)), 0.8)

    def test_that_does_not_read_the_feedback_is_no_yardstick(self):
        self.floor_that_reads(150)
        with self.assertRaisesRegex(RuntimeError, "read 150 of 200 messages of feedback"):
            load.floor(Shape(viewers=20), 1, load.Feedback(10, 80))


class Programs(unittest.TestCase):
    """The relay and Janus are scripts."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def script(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def as_relay(self, text):
        kept = machine.BUILD
        self.addCleanup(setattr, machine, "BUILD", kept)
        machine.BUILD = self.folder
        self.script(self.folder / "daemon/simpuld", text)

    READY = "echo 'simpuld ready http=127.0.0.1:9 media=udp:1'\n"

    def test_a_relay_that_does_not_start_fails(self):
        self.as_relay("exit 3")
        with self.assertRaisesRegex(RuntimeError, "did not start"), relay.Relay():
            pass

    def test_a_relay_that_ends_before_its_time_fails_the_row(self):
        self.as_relay(self.READY + "exit 4")
        with self.assertRaisesRegex(RuntimeError, "ended by itself, status 4"):
            with relay.Relay() as simpuld:
                simpuld._process.wait()

    def test_a_relay_that_does_not_end_well_fails_the_row(self):
        self.as_relay("trap 'exit 5' TERM\n" + self.READY + "while :; do sleep 0.02; done")
        with self.assertRaisesRegex(RuntimeError, "ended with status 5"), relay.Relay():
            pass

    def test_a_metric_is_asked_for_again_while_those_who_join_have_all_connections(self):
        text = (b'simpul_connections{state="new"} 2\n'
                b'simpul_connections{state="connected"} 3\n')
        busy = [urllib.error.HTTPError("", 429, "", None, io.BytesIO()) for _ in range(2)]
        answers = [busy[0], io.BytesIO(text), busy[1], io.BytesIO(text)]
        kept = urllib.request.urlopen
        self.addCleanup(setattr, urllib.request, "urlopen", kept)

        def answer(*_, **__):
            now = answers.pop(0)
            if isinstance(now, Exception):
                raise now
            return now
        urllib.request.urlopen = answer
        simpuld = relay.Relay()
        simpuld.port = 9
        self.assertEqual(simpuld.metric("simpul_connections"), 5)
        self.assertEqual(simpuld.metric("simpul_connections", 'state="connected"'), 3)

    def test_a_room_that_has_just_gone_has_nobody_who_is_apart(self):
        def answer(address, **_):
            if address.endswith("/v1/rooms?limit=1000"):
                return io.BytesIO(b'{"rooms": [{"id": "gone"}], "next": null}')
            raise urllib.error.HTTPError("", 404, "", None, io.BytesIO())
        kept = urllib.request.urlopen
        self.addCleanup(setattr, urllib.request, "urlopen", kept)
        urllib.request.urlopen = answer
        simpuld = relay.Relay()
        simpuld.port = 9
        self.assertEqual(simpuld.share_apart(), 0)

    def test_janus_is_ended_when_it_does_not_begin_to_serve(self):
        self.script(self.folder / "janus", "exec sleep 600")
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = f"{self.folder}:{path}"
        kept = janus.MODULES
        self.addCleanup(setattr, janus, "MODULES", kept)
        janus.MODULES = self.folder
        for kind in ("plugins", "transports"):
            (self.folder / kind).mkdir()
        server = janus.Janus()

        def refuse():
            raise RuntimeError("no API")
        server._wait_for_api = refuse
        with self.assertRaisesRegex(RuntimeError, "no API"), server:
            pass
        self.assertIsNotNone(server._process.poll())


class JanusGateway(unittest.TestCase):
    def test_an_offer_becomes_an_answer(self):
        offer = ("v=0\r\na=setup:actpass\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
                 "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n")
        self.assertEqual(janus.as_answer(offer).split("\r\n"),
                         ["v=0", "a=setup:active", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0",
                          janus.SOMEWHERE, ""])


if __name__ == "__main__":
    unittest.main()
