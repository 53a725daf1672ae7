#!/usr/bin/env python3
"""A stage of 500 viewers over two workers, driven by simpul-load on one core.

usage: stage_of_500_test.py PATH_OF_SIMPULD PATH_OF_SIMPUL_LOAD

Two cores have to carry the relay and all who watch, so the media are smaller than people's: 500
kbit/s of video in 15 frames a second, and Opus: about 125 packets a second to each viewer. Every
packet has to arrive. There is no limit on time: how fast it is depends on the machine.
"""
import json
import os
import re
import subprocess
import sys
import unittest

from relay_case import PATIENCE, SIMPUL_LOAD, RelayCase

VIEWERS = 500
SECONDS = 8


class StageOf500(RelayCase):
    def load(self, *arguments):
        return self.run_with_room(lambda: self.load_once(*arguments))

    def load_once(self, *arguments):
        core = max(os.sched_getaffinity(0))
        done = subprocess.run([SIMPUL_LOAD, "--port", self.port, "--cpu", str(core), "--json",
                               "--bitrate-kbps", "500", "--fps", "15", *arguments],
                              stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
        print(done.stdout, flush=True)
        return done.returncode, json.loads(done.stdout)

    def sent_by_workers(self):
        found = re.findall(r'simpul_packets_sent_total\{worker="(\d)"\} (\d+)', self.metrics())
        return {int(worker): int(count) for worker, count in found}

    def test_every_viewer_gets_every_packet(self):
        status, seen = self.load("--viewers", str(VIEWERS), "--seconds", str(SECONDS),
                                 "--max-loss", "0", "--relay-pid", str(self.relay.pid))
        self.assertEqual(seen["complaints"], [])
        self.assertEqual(status, 0)
        self.assertEqual(seen["viewers"], VIEWERS)
        self.assertEqual(seen["connected"], VIEWERS)
        self.assertEqual(seen["first_frames"], VIEWERS)
        # 15 frames of four packets and 50 of audio a second, some of them not made on a machine
        # that is too busy.
        self.assertGreater(seen["expected"], VIEWERS * SECONDS * 50)
        self.assertEqual(seen["packets"], seen["expected"])
        self.assertEqual(seen["lost"], 0)
        self.assertEqual(seen["corrupt"], 0)
        self.assertEqual(seen["duplicates"], 0)
        # Each viewer gives feedback many times a second, in messages of some dozens of bytes.
        self.assertGreater(seen["feedback"], VIEWERS * SECONDS)
        self.assertTrue(20 < seen["feedback_bytes"] / seen["feedback"] < 1200)
        # Both workers served about half of them.
        sent = self.sent_by_workers()
        self.assertEqual(sorted(sent), [0, 1])
        for count in sent.values():
            self.assertGreater(count, seen["expected"] // 4)
        print("# result stage of 500 on two workers:"
              f" {seen['packets']} packets, {seen['lost']} lost, {seen['repaired']} repaired,"
              f" {seen['packets_per_second']:.0f} a second, first frame p99"
              f" {seen['first_frame_ms_p99']:.0f} ms, delay p99 {seen['delay_ms_p99']:.1f} ms,"
              f" simpul-load used {seen['own_cpu_share'] * 100:.0f} % of its core,"
              f" bottleneck: {str(seen['bottleneck']).lower()}", flush=True)

    def test_a_broken_limit_is_told_and_ends_with_1(self):
        status, seen = self.load("--viewers", "2", "--seconds", "1", "--max-delay-ms", "0.000001")
        self.assertEqual(status, 1)
        self.assertEqual(len(seen["complaints"]), 1)
        self.assertIn("delay_ms_p99", seen["complaints"][0])

    def test_tables_see_all_others(self):
        status, seen = self.load("--rooms", "3", "--table", "4", "--seconds", "1",
                                 "--max-loss", "0")
        self.assertEqual((status, seen["publishers"], seen["connected"]), (0, 12, 36))

    def test_pairs_see_one_another(self):
        status, seen = self.load("--rooms", "5", "--pairs", "--seconds", "1", "--max-loss", "0")
        self.assertEqual((status, seen["publishers"], seen["connected"]), (0, 10, 10))

    def test_who_cannot_join_is_told(self):
        done = subprocess.run([SIMPUL_LOAD, "--port", "1", "--viewers", "1"], capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot connect", done.stderr)

    def test_help_names_the_limits_and_wrong_usage_is_2(self):
        done = subprocess.run([SIMPUL_LOAD, "--help"], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertIn("--max-loss", done.stdout)
        done = subprocess.run([SIMPUL_LOAD, "--pairs", "--viewers", "3"], capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
