#!/usr/bin/env python3
"""Bad networks that a scenario gives to its people, and what the report says of them.

usage: networks_test.py PATH_OF_SIMPULD PATH_OF_SIMPUL_LOAD

What a seed decides has bounds here; of times only what a network alone makes of them: how much
longer than without it.
"""
import json
import math
import subprocess
import unittest

from relay_case import PATIENCE, SIMPUL_LOAD, RelayCase

CAMERA = """
[clients.speaker]
audio = false
[clients.speaker.video]
bitrate_kbps = 1000
[clients.viewer]
audio = false
"""
MICROPHONE = """
[clients.speaker]
video = false
[clients.speaker.audio]
bitrate_kbps = 128
always_talks = true
"""
SEEDED_LOSS = 0.05
NEAR_THE_END = 200  # datagrams to all viewers together


def phase(name, viewer_class, viewers=8):
    return f"""
[[phases]]
kind = "stage"
name = "{name}"
start = "0s"
duration = "4s"
viewers = {viewers}
publisher_class = "speaker"
viewer_class = "{viewer_class}"
"""


class Networks(RelayCase):
    def run_scenario(self, toml):
        done, seen = self.run_with_room(lambda: self.run_once(toml))
        self.assertEqual(seen["corrupt"], 0)
        self.assertEqual(seen["joins_failed"], 0, done.stderr)
        return seen

    def run_once(self, toml):
        file, report = self.folder / "bad.toml", self.folder / "report.json"
        file.write_text(toml, encoding="utf-8")
        done = subprocess.run([SIMPUL_LOAD, str(file), "--port", self.port, "--quiet", "--json",
                               str(report)], capture_output=True, text=True, timeout=PATIENCE,
                              check=False)
        seen = json.loads(report.read_text(encoding="utf-8"))
        print(done.stdout, flush=True)
        return done, seen

    def lose(self, network, least, most):
        """That share of datagrams is lost, and the picture is repaired."""
        seen = self.run_scenario(CAMERA + network + phase("stage", "viewer"))
        share = seen["network_lost"] / seen["network_datagrams"]
        self.assertGreater(share, least)
        self.assertLess(share, most)
        self.assertGreater(seen["expected"], 8 * 4 * 30)
        # All of it on a quiet machine; on a slow one some is given up after a second.
        self.assertLess(seen["loss"], share / 2)
        self.assertEqual(seen["network_queue_drops"], 0)
        print(f"# result {' '.join(network.split())}: {seen['network_lost']} of"
              f" {seen['network_datagrams']} datagrams lost, {seen['repaired']} packets repaired,"
              f" {seen['lost']} of {seen['expected']} missing", flush=True)
        return seen

    def test_what_a_viewers_network_loses_is_repaired(self):
        seen = self.lose("[clients.viewer.down]\nloss = 0.05\n", 0.03, 0.07)
        self.assertGreater(seen["repaired"], 0.5 * seen["network_lost"] * seen["expected"]
                           / seen["network_datagrams"])

    def test_what_is_lost_in_bursts_is_repaired(self):
        seen = self.lose("[clients.viewer.down]\nburst_loss = 0.05\nburst_packets = 5\n", 0.015,
                         0.1)
        self.assertGreater(seen["repaired"], 0)

    def test_what_a_publishers_network_loses_is_repaired_for_all(self):
        seen = self.lose("[clients.speaker.up]\nloss = 0.1\n", 0.04, 0.17)
        self.assertEqual(seen["repaired"], 0, "by the publisher, not on the way to a viewer")

    def test_the_same_seed_loses_the_same(self):
        network = "seed = 5\n" + CAMERA + f"[clients.viewer.down]\nloss = {SEEDED_LOSS}\n"
        runs = [self.run_scenario(network + phase("stage", "viewer")) for _ in range(2)]
        more, more_lost = (runs[0][key] - runs[1][key]
                           for key in ("network_datagrams", "network_lost"))
        # What both runs had is lost alike. The rest, what a slow machine sent in one of them only
        # and what came near the end, is lost by chance: within five standard deviations.
        rest = abs(more) + NEAR_THE_END
        self.assertLess(abs(more_lost - SEEDED_LOSS * more),
                        5 * math.sqrt(SEEDED_LOSS * (1 - SEEDED_LOSS) * rest))

    def test_delay_and_jitter_are_what_packets_take_longer(self):
        networks = ('[clients.far]\naudio = false\n[clients.far.down]\ndelay = "100ms"\n'
                    '[clients.unsteady]\naudio = false\n[clients.unsteady.down]\n'
                    'delay = "100ms"\njitter = "100ms"\n')
        seen = self.run_scenario(CAMERA + networks + phase("near", "viewer") + phase("far", "far")
                                 + phase("unsteady", "unsteady"))
        near, far, unsteady = seen["phases"]
        self.assertGreaterEqual(far["delay_ms_p50"], 100)
        self.assertGreater(far["delay_ms_p50"], near["delay_ms_p50"] + 50)
        self.assertGreaterEqual(unsteady["delay_ms_p99"], 170)
        self.assertGreater(unsteady["delay_ms_p50"], far["delay_ms_p50"] + 20)
        for each in (near, far, unsteady):
            self.assertEqual((each["lost"], each["network_lost"]), (0, 0))
        print(f"# result delay: {near['delay_ms_p50']:.1f} ms, {far['delay_ms_p50']:.1f} ms over"
              f" 100 ms, {unsteady['delay_ms_p50']:.1f} ms with 100 ms of jitter", flush=True)

    def test_a_rate_fills_its_queue_and_waits_no_longer_than_that(self):
        narrow = "".join(
            f'[clients.{name}]\nvideo = false\n[clients.{name}.down]\nrate_kbps = 100\n'
            f'queue = "{queue}"\n' for name, queue in (("short", "100ms"), ("long", "500ms")))
        wide = "[clients.wide]\nvideo = false\n"
        seen = self.run_scenario(MICROPHONE + narrow + wide + phase("wide", "wide")
                                 + phase("short", "short") + phase("long", "long"))
        free, short, long = seen["phases"]
        self.assertEqual((free["lost"], free["network_datagrams"]), (0, 0))
        for each in (short, long):
            self.assertGreater(each["network_queue_drops"], 0)
            # 100 of some 145 kbit/s, and what the queue held in the beginning.
            self.assertGreater(each["loss"], 0.05)
            self.assertLess(each["loss"], 0.5)
            self.assertEqual(each["network_lost"], 0)
        waits = [each["delay_ms_p50"] - free["delay_ms_p50"] for each in (short, long)]
        self.assertGreater(waits[0], 50)
        # A slow machine adds to both; the longer queue has room for 400 ms more.
        self.assertGreater(waits[1] - waits[0], 200)
        print(f"# result 100 kbit/s of 145: {waits[0]:.0f} ms in a queue of 100 ms,"
              f" {waits[1]:.0f} ms in one of 500 ms; lost {short['loss']:.2f} and"
              f" {long['loss']:.2f}", flush=True)


if __name__ == "__main__":
    unittest.main()
