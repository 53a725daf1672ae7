#!/usr/bin/env python3
"""Every ready-made scenario once, small, against a relay of its own; and what simpul-load says.

usage: scenarios_test.py PATH_OF_SIMPULD PATH_OF_SIMPUL_LOAD

Nothing here depends on how fast the machine is: limits on times are lifted, loss and pictures are
not.
"""
import contextlib
import http.client
import http.server
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading
import unittest
import urllib.request

from relay_case import PATIENCE, SIMPUL_LOAD, RelayCase

SCENARIOS = pathlib.Path(__file__).resolve().parents[2] / "bench" / "scenarios"


@contextlib.contextmanager
def a_relay_that_refuses(port, status_of, retry_after=0):
    """In front of a real one, which gets all but those requests that have a status of their own,
    by method and path; the port of its HTTP."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            refused = status_of(self.command, self.path)
            if refused:
                self.send_response(refused)
                self.send_header("Content-Length", "0")
                self.send_header("Retry-After", str(retry_after))
                self.send_header("Connection", "close")
                return self.end_headers()
            server = http.client.HTTPConnection("127.0.0.1", int(port), timeout=PATIENCE)
            server.request(self.command, self.path, body,
                           {"Content-Type": self.headers.get("Content-Type", "")})
            answer = server.getresponse()
            text = answer.read()
            self.send_response(answer.status)
            for name in ("location", "content-type"):
                if answer.getheader(name):
                    self.send_header(name, answer.getheader(name))
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(text)
            server.close()

        do_POST = do_DELETE = pass_on

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield proxy.server_address[1]
        finally:
            proxy.shutdown()
            thread.join()


class Scenarios(RelayCase):
    def run_load(self, *arguments):
        """The exit status, what was said on stderr, and the report."""
        report = self.folder / "report.json"
        done = subprocess.run([SIMPUL_LOAD, *arguments, "--port", self.port, "--relay-pid",
                               str(self.relay.pid), "--json", str(report), "--html",
                               str(self.folder / "report.html")],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        seen = json.loads(report.read_text(encoding="utf-8"))
        print(done.stdout, flush=True)
        return done.returncode, done.stderr, seen

    def run_small(self, name, *sets):
        """A ready-made scenario, a tenth of the people, some seconds: nothing may be wrong."""
        toml = (SCENARIOS / f"{name}.toml").read_text(encoding="utf-8")
        limits = re.findall(r"^(\w+_ms_\w+) = ", toml, re.M)
        arguments = [f"limits.{limit}=60000" for limit in limits] + list(sets)
        words = [word for key in arguments for word in ("--set", key)]
        status, said, seen = self.run_with_room(lambda: self.run_load(
            str(SCENARIOS / f"{name}.toml"), "--scale", "0.1", *words))
        self.assertEqual(seen["complaints"], [], said)
        self.assertEqual(status, 0)
        self.assertEqual(seen["scenario"], name)
        self.assertEqual(seen["corrupt"], 0)
        self.assertEqual(seen["joins_failed"], 0)
        self.assertEqual(seen["first_frames"] + seen["left_early"], seen["viewers"])
        self.assertIn("UDP_GRO on 0 of them", seen["sockets"])
        self.assertTrue((self.folder / "report.html").read_text(encoding="utf-8")
                        .endswith("</html>\n"))
        print(f"# result scenario {name}, small: {seen['viewers']} viewers, {seen['packets']} of"
              f" {seen['expected']} packets, delay p99 {seen['delay_ms_p99']:.1f} ms, first frame"
              f" p99 {seen['first_frame_ms_p99']:.0f} ms", flush=True)
        return seen

    def test_stage(self):
        seen = self.run_small("stage", "phases[0].duration=3s")
        self.assertEqual((seen["publishers"], seen["viewers"]), (1, 20))
        self.assertEqual(seen["packets"], seen["expected"])
        self.assertGreater(seen["relay_cpu_us_per_packet"], 0)

    def test_tables(self):
        seen = self.run_small("tables", "phases[0].duration=3s")
        self.assertEqual((seen["rooms"], seen["publishers"], seen["viewers"]), (2, 8, 24))

    def test_pairs(self):
        seen = self.run_small("pairs", "phases[0].duration=12s", "phases[0].every=4s")
        # Five pairs, who met twice more.
        self.assertEqual((seen["publishers"], seen["viewers"]), (30, 30))
        self.assertGreater(seen["gap_ms_p50"], 0)

    def test_audio(self):
        seen = self.run_small("audio", "phases[0].duration=3s", "phases[0].viewers=50")
        self.assertEqual((seen["publishers"], seen["viewers"]), (50, 5))
        # Each hears three, whoever speaks.
        self.assertGreater(seen["packets"], 5 * 3 * 50)

    def test_ten_speakers_are_heard_by_every_listener(self):
        seen = self.run_small("audio", "phases[0].duration=3s", "phases[0].viewers=300",
                              "phases[0].microphones=100", "phases[0].hears=10")
        self.assertEqual((seen["publishers"], seen["viewers"]), (10, 30))
        self.assertEqual(seen["packets"], seen["expected"])
        self.assertGreater(seen["expected"], 30 * 10 * 50)

    def test_a_stage_of_four_is_seen_whole_by_every_viewer(self):
        for sees in (4, 2):
            seen = self.run_small("stage", "phases[0].duration=3s", "phases[0].publishers=4",
                                  f"phases[0].hears={sees}", f"phases[0].sees={sees}",
                                  "phases[0].viewers=100", "clients.speaker.video.bitrate_kbps=300")
            self.assertEqual((seen["publishers"], seen["viewers"]), (4, 10))
            self.assertEqual(seen["packets"], seen["expected"])
            self.assertGreater(seen["expected"], 10 * sees * 2 * 50)

    def test_storm(self):
        seen = self.run_small("storm", "phases[0].duration=5s", "phases[0].within=2s")
        self.assertEqual(seen["viewers"], 110)
        self.assertEqual(seen["lost"], 0)

    def test_churn(self):
        seen = self.run_small("churn", "phases[0].duration=10s", "phases[0].rate=40")
        self.assertGreater(seen["viewers"], 10)

    def test_roam(self):
        seen = self.run_small("roam", "phases[0].duration=8s", "phases[0].every=2s")
        self.assertEqual(seen["viewers"], 5)
        # Each at 2 second intervals until three seconds before the end.
        self.assertGreaterEqual(seen["roams"], 10)

    def test_turns(self):
        seen = self.run_small("turns", "phases[0].duration=12s", "phases[0].every=4s")
        self.assertEqual((seen["publishers"], seen["viewers"]), (3, 5))
        # Each viewer saw two more speakers after the first one.
        self.assertGreaterEqual(seen["switches"], 5 * 2)
        for figure in ("switch_ms_p50", "switch_ms_p95", "switch_ms_p99", "switch_ms_max"):
            self.assertGreater(seen[figure], 0)
        self.assertEqual(seen["stood_still"], 0)
        print(f"# result turns: {seen['switches']} switches, {seen['switch_ms_p50']:.0f} ms p50,"
              f" {seen['switch_ms_p99']:.0f} ms p99", flush=True)

    def test_evening(self):
        seen = self.run_small("evening", "phases.doors.duration=14s", "phases.doors.within=2s",
                              "phases.mobile.duration=8s", "phases.tables.start=4s",
                              "phases.tables.duration=5s", "phases.networking.start=5s",
                              "phases.networking.duration=8s", "phases.networking.every=4s",
                              "limits.loss=0.05")
        self.assertEqual([phase["name"] for phase in seen["phases"]],
                         ["doors", "mobile", "tables", "networking"])
        # Beside one another.
        self.assertLess(seen["phases"][2]["measured_from"], seen["phases"][0]["ended"])

    def test_who_only_listens_is_counted_by_the_relays_numbers(self):
        seen = self.run_small("stage", "phases[0].duration=3s",
                              "clients.default.decrypting_share=0.25")
        self.assertEqual(seen["connected"], 20)
        self.assertEqual(seen["packets"], seen["expected"])
        # Each viewer's share, as near as counting from different packets comes.
        self.assertGreater(seen["packets_per_second"], 20 * 200)

    def test_simulcast_of_every_codec_loses_nothing(self):
        for codec in ("vp8", "vp9", "h264", "av1"):
            seen = self.run_small("churn", "phases[0].duration=4s", "phases[0].publishers=1",
                                  f"clients.speaker.video.codec={codec}",
                                  "clients.speaker.video.layers=3")
            self.assertEqual(seen["lost"], 0, codec)

    def test_temporal_layers_of_every_codec_that_has_them_lose_nothing(self):
        for codec in ("vp8", "vp9", "av1"):
            seen = self.run_small("churn", "phases[0].duration=4s", "phases[0].publishers=1",
                                  f"clients.speaker.video.codec={codec}",
                                  "clients.speaker.video.temporal_layers=3")
            self.assertEqual(seen["lost"], 0, codec)

    def test_phases_follow_one_another(self):
        file = self.folder / "two.toml"
        file.write_text('[[phases]]\nkind = "stage"\nduration = "1s"\nviewers = 2\n'
                        '[[phases]]\nkind = "tables"\nduration = "1s"\nrooms = 1\npeople = 2\n',
                        encoding="utf-8")
        status, _, seen = self.run_load(str(file))
        self.assertEqual(status, 0)
        first, second = seen["phases"]
        self.assertLessEqual(first["ended"], second["began"])
        self.assertEqual((first["viewers"], second["viewers"]), (2, 2))

    def test_a_broken_limit_is_told_and_ends_with_1(self):
        status, said, seen = self.run_load(str(SCENARIOS / "stage.toml"), "--set",
                                           "phases[0].duration=1s", "--set", "phases[0].viewers=2",
                                           "--set", "limits.delay_ms_p99=0.000001")
        self.assertEqual(status, 1)
        self.assertEqual(len(seen["complaints"]), 1)
        self.assertIn("delay_ms_p99 is", said)
        self.assertIn(">failed<", (self.folder / "report.html").read_text(encoding="utf-8"))

    def refused(self, status, *arguments):
        done = subprocess.run([SIMPUL_LOAD, *arguments], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def test_a_limit_that_nothing_will_tell_of_is_refused_before_anybody_joins(self):
        stage = str(SCENARIOS / "stage.toml")
        said = self.refused(1, stage, "--set", "limits.relay_cpu_share=1", "--port", self.port)
        self.assertEqual(said, "simpul-load: the limit of relay_cpu_share cannot be judged: it"
                               " needs --relay-pid\n")
        said = self.refused(1, stage, "--silent", "--port", self.port)
        self.assertIn("cannot be judged: publishers send nothing", said)
        self.assertIn("no such process", self.refused(2, "--relay-pid", "4194304"))

    def test_a_limit_that_nothing_told_of_breaks_the_run(self):
        status, said, seen = self.run_load(str(SCENARIOS / "stage.toml"), "--set",
                                           "phases[0].duration=1s", "--set", "phases[0].viewers=2",
                                           "--set", "limits.delay_ms_p99=60000", "--set",
                                           "clients.default.decrypting_share=0.1")
        self.assertEqual(status, 1)
        self.assertIn("delay_ms_p99 has a limit and is not known: no packet was decrypted", said)
        self.assertIsNone(seen["delay_ms_p99"])

    def test_silence_is_not_waited_for_and_its_limits_hold(self):
        file = self.folder / "silent.toml"
        file.write_text('[limits]\nrelay_kib_per_viewer = 0.000001\n[[phases]]\nkind = "stage"\n'
                        'duration = "1s"\nviewers = 20\n', encoding="utf-8")
        status, _, seen = self.run_load(str(file), "--silent")
        self.assertEqual(status, 1)
        self.assertEqual(len(seen["complaints"]), 1, seen["complaints"])
        self.assertIn("relay_kib_per_viewer is", seen["complaints"][0])
        self.assertEqual((seen["connected"], seen["first_frames"]), (20, 0))
        # A picture would be waited for half a minute before, and as long afterwards.
        self.assertLess(len(seen["per_second"]), 30)

    def test_a_stream_that_ends_is_seen_by_all_who_watch_whether_they_decrypt_or_not(self):
        for share, layers in ((1, 1), (0, 1), (1, 3)):
            self.run_and_stop_the_relay(share, layers)

    def run_and_stop_the_relay(self, share, layers):
        report = self.folder / "report.json"
        load = subprocess.Popen(
            [SIMPUL_LOAD, str(SCENARIOS / "churn.toml"), "--set", "phases[0].viewers=3",
             "--set", "phases[0].duration=1h", "--set", "phases[0].rate=0.01", "--set",
             f"clients.default.decrypting_share={share}", "--set",
             f"clients.speaker.video.layers={layers}", "--port", self.port, "--json", str(report)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        measured = 0
        for line in load.stderr:
            measured += "measuring" in line
            if measured == 2:
                self.relay.send_signal(signal.SIGSTOP)
            if measured == 6:
                break
        load.send_signal(signal.SIGINT)
        for line in load.stderr:
            if "leaving" in line:
                break
        self.relay.send_signal(signal.SIGCONT)
        _, said = load.communicate(timeout=PATIENCE)
        seen = json.loads(report.read_text(encoding="utf-8"))
        self.assertEqual(load.returncode, 1)
        self.assertEqual(seen["stood_still"], 3, said)
        self.assertGreaterEqual(seen["freezes"], 3)
        self.assertIn("3 viewers got nothing new at the end", said)

    def test_a_phase_without_viewers_left_ends_though_its_publisher_is_there(self):
        def nobody_watches(_, path):
            return 404 if "/whep/" in path else None
        with a_relay_that_refuses(self.port, nobody_watches) as port:
            done = subprocess.run([SIMPUL_LOAD, "--port", str(port), "--viewers", "2", "--seconds",
                                   "3600", "--json"], capture_output=True, text=True,
                                  timeout=PATIENCE, check=False)
        seen = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1)
        self.assertEqual((seen["publishers"], seen["joins_failed"]), (1, 2))

    def test_who_is_told_to_go_later_goes_then(self):
        refused = set()

        def busy_at_first(method, path):
            if method != "DELETE" or path in refused:
                return None
            refused.add(path)
            return 429
        with a_relay_that_refuses(self.port, busy_at_first) as port:
            done = subprocess.run([SIMPUL_LOAD, "--port", str(port), "--viewers", "2", "--seconds",
                                   "1", "--json"], capture_output=True, text=True,
                                  timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(refused), 3)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/rooms",
                                    timeout=PATIENCE) as page:
            self.assertEqual(json.load(page)["rooms"], [])

    def test_a_room_without_room_is_found_out_once(self):
        with a_relay_that_refuses(self.port, lambda *_: 503, 10) as port:
            done = subprocess.run([SIMPUL_LOAD, "--port", str(port), "--publishers", "100",
                                   "--viewers", "1", "--audio-only", "--json"],
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
        seen = json.loads(done.stdout)
        self.assertEqual((done.returncode, seen["joins_failed"]), (1, 101), done.stderr)
        self.assertIn("status 503", done.stderr)
        # The first fifty at most three times within half a minute.
        self.assertGreaterEqual(seen["join_retries"], 50)
        self.assertLessEqual(seen["join_retries"], 50 * 3)

    def test_a_line_a_second_tells_how_far_it_is(self):
        _, said, seen = self.run_load(str(SCENARIOS / "stage.toml"), "--set",
                                      "phases[0].duration=3s", "--set", "phases[0].viewers=2",
                                      "--set", "limits.delay_ms_p99=60000")
        lines = re.findall(r"^ +\d+ s  stage measuring \d/3 s  3 there", said, re.M)
        self.assertGreaterEqual(len(lines), 1)
        self.assertGreaterEqual(len(seen["per_second"]), len(lines))

    def test_an_interrupt_ends_it_with_a_report(self):
        report = self.folder / "report.json"
        load = subprocess.Popen([SIMPUL_LOAD, "--port", self.port, "--viewers", "2", "--seconds",
                                 "3000", "--json", str(report)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)
        for line in load.stderr:
            if "measuring" in line:
                break
        load.send_signal(signal.SIGINT)
        load.communicate(timeout=PATIENCE)
        seen = json.loads(report.read_text(encoding="utf-8"))
        self.assertTrue(seen["interrupted"])
        self.assertEqual(seen["first_frames"], 2)
        self.assertEqual(seen["lost"], 0)

    def test_bad_scenarios_and_usage_end_with_2(self):
        def refused(*arguments):
            return self.refused(2, *arguments)

        file = self.folder / "bad.toml"
        file.write_text('[[phases]]\nkind = "stage"\nviewers = -1\n', encoding="utf-8")
        self.assertEqual(refused(str(file)),
                         f"simpul-load: {file}:3:11: phases[0].viewers: must be 1 to 20000\n")
        self.assertIn("cannot be opened", refused(str(self.folder / "none.toml")))
        self.assertIn("--set x", refused(str(SCENARIOS / "stage.toml"), "--set", "x"))
        self.assertIn("there is no scenario", refused("--set", "seed=1"))
        self.assertIn("would overwrite", refused("--json", str(file)))
        refused("--viewers", "none")


if __name__ == "__main__":
    unittest.main()
