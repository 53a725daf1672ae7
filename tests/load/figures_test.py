#!/usr/bin/env python3
"""The parts of scripts/bench that decide: goals, medians, the tables.

usage: figures_test.py
"""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True

from bench.figures import __main__ as program
from bench.figures import janus, load, machine, measure, report
from bench.figures.load import Shape
from bench.figures.measure import Figure

ABOUT = {"date": "today", "cpu": "a CPU", "cores": 2, "kernel": "6", "load": 0.1,
         "commit": "abc", "command": "scripts/bench stage", "rounds": 3, "seconds": 2.0}


class Figures(unittest.TestCase):
    def test_a_goal_is_an_upper_or_a_lower_bound_or_none(self):
        self.assertTrue(Figure("row", "what", 1.5, "µs", 1.5).met())
        self.assertFalse(Figure("row", "what", 1.6, "µs", 1.5).met())
        self.assertTrue(Figure("row", "what", 12, "", 12, at_least=True).met())
        self.assertFalse(Figure("row", "what", 11, "", 12, at_least=True).met())
        self.assertIsNone(Figure("row", "what", 1, "").met())

    def test_rounds_alternate_and_begin_with_another_one_each_time(self):
        order = []
        results = measure.alternate(lambda: order.append("a") or 1,
                                    lambda: order.append("b") or 2, 3)
        self.assertEqual("".join(order), "abbaab")
        self.assertEqual(results, ([1, 1, 1], [2, 2, 2]))

    def test_a_ratio_is_the_median_of_the_rounds_not_of_the_sides(self):
        self.assertEqual(measure.ratio([2, 6, 20], [1, 2, 2]), 3)

    def test_noise_is_the_distance_of_the_rounds(self):
        self.assertAlmostEqual(machine.spread([1.0, 1.1, 0.9]), 0.2)
        self.assertIsNone(machine.spread([1.0]))

    def test_a_shape_says_how_many_packets_there_are(self):
        self.assertEqual(Shape(viewers=200).packets_per_second(), 200 * (9 * 30 + 50))
        pairs = Shape(rooms=10, pairs=True, frame_packets=2, fps=15)
        self.assertEqual((pairs.connections(), pairs.packets_per_second()), (40, 20 * 80))

    def test_pairs_that_change_are_a_scenario(self):
        self.assertIn('kind = "pairs"\npairs = 9\nevery = "2s"\n',
                      load.scenario_of(Shape(rooms=9, pairs=True, repair_seconds=2), 7))

    def test_every_row_is_a_function_with_a_name_of_its_own(self):
        self.assertEqual(len(program.ROWS), 15)
        self.assertEqual(program.parse(["stage", "--rounds", "5"]).rounds, 5)
        with self.assertRaises(SystemExit), open("/dev/null", "w") as nothing:
            sys.stderr, kept = nothing, sys.stderr
            try:
                program.parse(["stages"])
            finally:
                sys.stderr = kept

    def test_what_a_row_lacks_is_told_and_the_others_are_measured(self):
        def unable(_):
            raise RuntimeError("simpul-load has no --wings")
        kept = dict(program.ROWS)
        self.addCleanup(program.ROWS.update, kept)
        program.ROWS.update(stage=unable, burst=lambda _: [Figure("burst", "what", 1, "µs")])
        figures, missing = program.measure(["stage", "burst"], None)
        self.assertEqual(missing, {"stage": "simpul-load has no --wings"})
        self.assertEqual([figure.row for figure in figures], ["burst"])


class Tables(unittest.TestCase):
    FIGURES = [Figure("stage", "CPU", 0.9152, "µs", 1.2, "floor 0.81 µs", noise=0.07),
               Figure("janus", "times", 11.0, "", 12, at_least=True)]

    def test_the_table_has_value_goal_and_yardstick(self):
        text = report.to_markdown(ABOUT, self.FIGURES, {"cm80": "no flag"})
        self.assertIn("| stage | CPU | 0.915 µs | at most 1.20 µs | yes | floor 0.81 µs | 7 % |",
                      text)
        self.assertIn("| at least 12.0  | **no** |", text)
        self.assertIn("| cm80 | not measured | | | | no flag | |", text)

    def test_the_documents_table_is_replaced_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "performance.md"
            path.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
            report.update_docs("new\n", path)
            self.assertEqual(path.read_text(),
                             f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n")

    def test_the_real_document_has_a_place_for_the_table(self):
        text = report.DOCS.read_text()
        self.assertLess(text.index(report.BEGIN), text.index(report.END))

    def test_numbers_have_three_digits(self):
        self.assertEqual([report.number(value) for value in (0, 0.0161, 1.234, 12.34, 1234.5)],
                         ["0", "0.0161", "1.23", "12.3", "1,234"])


class JanusGateway(unittest.TestCase):
    def test_an_offer_becomes_an_answer(self):
        offer = ("v=0\r\na=setup:actpass\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
                 "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n")
        self.assertEqual(janus.as_answer(offer).split("\r\n"),
                         ["v=0", "a=setup:active", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0",
                          janus.SOMEWHERE, ""])


if __name__ == "__main__":
    unittest.main()
