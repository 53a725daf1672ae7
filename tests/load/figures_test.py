#!/usr/bin/env python3
"""The parts of scripts/bench that decide: goals, medians, the tables.

usage: figures_test.py
"""
import contextlib
import http.client
import io
import pathlib
import subprocess
import sys
import tempfile
import tomllib
import unittest
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True

from bench.figures import __main__ as program
from bench.figures import arrivals, load, machine, measure, people, plot, relay, report
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
        with self.assertRaises(ValueError):
            measure.ratio([2, 6], [1])

    def test_what_is_compared_has_medians_the_ratio_of_rounds_and_the_yardsticks_noise(self):
        figure = measure.compared(Figure("row", "what", 0, "µs", 1.5), [2, 6, 20], [1, 2, 2])
        self.assertEqual((figure.value, figure.beside, figure.ratio, figure.noise),
                         (6, 2, 3, 0.5))

    def test_a_figure_beside_a_yardstick_has_its_ratio(self):
        self.assertEqual(Figure("row", "what", 3, "µs", beside=2).ratio, 1.5)
        self.assertIsNone(Figure("row", "what", 3, "µs").ratio)
        self.assertIsNone(Figure("row", "what", 3, "µs", beside=0).ratio)

    def test_noise_is_the_distance_of_the_rounds(self):
        self.assertAlmostEqual(machine.spread([1.0, 1.1, 0.9]), 0.2)
        self.assertIsNone(machine.spread([1.0]))


class Packets(unittest.TestCase):
    def test_who_drops_packets_is_not_measured(self):
        report = {"expected": 1000, "lost": 10, "seconds": 2.0}
        self.assertEqual(measure.packet_rate(report), 500)
        for wrong in ({"lost": 11}, {"expected": 0}):
            with self.assertRaises(RuntimeError):
                measure.packet_rate({**report, **wrong})


class People(unittest.TestCase):
    def test_each_of_a_pair_has_two_connections(self):
        self.assertEqual(Shape(rooms=10, pairs=True).connections(), 40)
        self.assertEqual(Shape(publishers=2, viewers=20).connections(), 22)

    def test_the_floor_gets_the_feedback_that_viewers_gave(self):
        report = {"feedback": 6600, "feedback_bytes": 6600 * 81, "seconds": 3.0}
        given = load.feedback_of(report, Shape(viewers=200))
        self.assertEqual(given, load.Feedback(rate=11, size=80))
        command = load.floor_command(Shape(), 1, given)
        self.assertEqual(command[command.index("--feedback") + 1], "11.000")
        self.assertEqual(command[command.index("--feedback-bytes") + 1], "80")
        self.assertEqual(str(given), "11.0 messages of feedback/s a viewer")
        self.assertEqual(load.feedback_of({"feedback": 0}, Shape()).rate, 0)

    def test_the_floor_is_measured_with_the_feedback_of_the_run_before(self):
        for name, replacement in (
                ("run_relay", lambda *_: measure.Run(2, 1, {"feedback": 400, "feedback_bytes":
                                                            40_000, "seconds": 2}, 1)),):
            self.addCleanup(setattr, measure, name, getattr(measure, name))
            setattr(measure, name, replacement)
        self.addCleanup(setattr, load, "floor", load.floor)
        load.floor = lambda shape, seconds, feedback: feedback.rate
        runs, floors, feedback = measure.beside_floor(Shape(viewers=20), 2, 2)
        self.assertEqual(([run.us_per_packet for run in runs], floors, feedback.size),
                         ([2, 2], [10, 10], 100))

    def test_the_floor_sends_to_as_many_sockets_as_the_relay(self):
        def option(shape, name):
            command = load.floor_command(shape, 1)
            return int(command[command.index(name) + 1])
        audio = Shape(publishers=10, viewers=300, frame_packets=0, heard=10)
        self.assertEqual([option(audio, name) for name in
                          ("--publishers", "--subscribers", "--heard")], [10, 300, 10])
        flags = load.flags_of(audio)
        self.assertEqual(flags[flags.index("--hears") + 1], "10")
        self.assertNotIn("--hears", load.flags_of(Shape()))
        pairs = Shape(rooms=10, pairs=True)
        self.assertEqual([option(pairs, name) for name in ("--publishers", "--subscribers")],
                         [20, 20])
        self.assertIn("--no-audio", load.floor_command(Shape(audio=False), 1))

    def test_pairs_that_change_are_a_scenario(self):
        text = load.scenario_of(Shape(rooms=9, pairs=True, repair_seconds=2), 7)
        phase = tomllib.loads(text)["phases"][0]
        self.assertEqual(phase, {"kind": "pairs", "pairs": 9, "every": "2s", "duration": "7s"})

    def test_a_picture_without_sound_is_a_scenario(self):
        scenario = tomllib.loads(load.scenario_of(Shape(audio=False), 3))
        self.assertIs(scenario["clients"]["default"]["audio"], False)
        self.assertEqual(scenario["phases"][0]["kind"], "stage")

    def test_viewers_who_only_count_are_a_scenario(self):
        scenario = tomllib.loads(load.scenario_of(Shape(viewers=1000, decrypting=0.05), 3))
        self.assertEqual(scenario["clients"]["default"]["decrypting_share"], 0.05)
        self.assertTrue(load.is_scenario(Shape(decrypting=0.05)))
        self.assertFalse(load.is_scenario(Shape()))

    def test_a_storm_comes_whether_or_not_others_have_a_picture(self):
        storm, = tomllib.loads(people.storm_scenario(1000))["phases"]
        self.assertEqual((storm["kind"], storm["joins"], storm["within"]), ("storm", 1000, "5s"))
        self.assertGreater(int(storm["duration"][:-1]), people.WITHIN)

    def test_requests_count_together_that_are_no_further_apart_than_a_time(self):
        sent = [(0, 1), (1, 1), (2, 2), (3, 2), (4, 4)]
        self.assertEqual(arrivals.most_within(sent, 2), 2)
        self.assertEqual(arrivals.most_within(sent, 1), 2)
        self.assertEqual(arrivals.most_within(sent, 4), 3)
        self.assertEqual(arrivals.most_within(sent[:2], 2), 0)

    def test_a_rate_dips_below_its_median(self):
        self.assertAlmostEqual(arrivals.dip([100, 100, 80, 130]), 0.2)
        self.assertEqual(arrivals.dip([100, 100]), 0)

    def test_a_publisher_of_whom_nothing_was_told_yet_does_not_dip(self):
        self.assertAlmostEqual(arrivals.dip([0, 0, 100, 100, 90, 110]), 0.1)
        self.assertEqual(arrivals.dip([0, 100, 0, 100]), 1)
        with self.assertRaises(RuntimeError):
            arrivals.dip([0, 0])

    def test_how_late_a_publisher_was_is_told_of_the_worst_round(self):
        self.assertEqual(arrivals.own_delay([{"own_late_ms_p99": late} for late in (2, 31, 4)]), 31)

    def test_five_hundred_come_while_the_relay_is_looked_at(self):
        crowd, = tomllib.loads(arrivals.scenario(500))["phases"]
        self.assertEqual((crowd["kind"], crowd["joins"], crowd["within"]), ("storm", 500, "10s"))
        self.assertGreater(int(crowd["duration"][:-1]), arrivals.WITHIN + arrivals.CALM)

    def test_the_delay_within_a_time_is_of_its_whole_seconds_that_are_known(self):
        told = {4.02: 9, 5.02: 1, 6.03: None, 7.03: 2, 8.04: 3, 9.04: 9}
        seen = {"per_second": [{"at": at, "delay_ms_p99": delay} for at, delay in told.items()]}
        self.assertEqual(people.delay_within(seen, 4, 8), 2)
        with self.assertRaisesRegex(RuntimeError, "no second"):
            people.delay_within(seen, 5, 6)

    def test_listeners_at_their_true_rate_must_all_be_read_by_one_core(self):
        run = {"received_share": 0.9995, "us_per_packet": 1.2, "packets_per_second": 600_000}
        read, core = people.full_rate([run])
        self.assertTrue(read.met() and core.met())
        self.assertAlmostEqual(core.value, 0.72)
        read, core = people.full_rate([{**run, "received_share": 0.998, "us_per_packet": 1.7}])
        self.assertFalse(read.met() or core.met())

    def test_partners_are_apart_when_they_are_on_different_workers(self):
        def person(name, role, worker, *watched):
            slots = [{"participant": other} for other in watched]
            return {"id": name, "connections": [{"role": role, "worker": worker, "slots": slots}]}
        self.assertEqual(relay.who_is_apart(
            [person("ana", "whip", 0), person("bo", "whip", 1), person("w_1", "whep", 0, "bo"),
             person("w_2", "whep", 0, "ana"), person("w_3", "whep", 1, None)]), [True, False])


class Rows(unittest.TestCase):
    def setUp(self):
        kept = dict(program.ROWS)
        self.addCleanup(program.ROWS.update, kept)

        quiet = contextlib.redirect_stdout(io.StringIO())
        quiet.__enter__()
        self.addCleanup(quiet.__exit__, None, None, None)

    def failing(self, error):
        def row(_):
            raise error
        return row

    def test_every_row_is_a_function_with_a_name_of_its_own(self):
        self.assertEqual(len(program.ROWS), 17)
        self.assertEqual(program.parse(["stage", "--rounds", "5"]).rounds, 5)
        with self.assertRaises(SystemExit), open("/dev/null", "w") as nothing:
            sys.stderr, kept = nothing, sys.stderr
            try:
                program.parse(["stages"])
            finally:
                sys.stderr = kept

    def test_a_row_that_fails_fails_alone_and_the_others_are_kept(self):
        for error in (RuntimeError("no --wings"), ValueError("no number"), KeyError("delay"),
                      ZeroDivisionError("no packets"), OSError("gone"),
                      http.client.BadStatusLine("half"),
                      subprocess.CalledProcessError(1, "simpul-floor", stderr="no socket")):
            with self.subTest(error=type(error).__name__):
                told = []
                program.ROWS.update(stage=self.failing(error),
                                    burst=lambda _: [Figure("burst", "what", 1, "µs")])
                figures, missing = program.measure(
                    ["stage", "burst"], None,
                    lambda figures, unable: told.append((len(figures), len(unable))))
                self.assertEqual(list(missing), ["stage"])
                self.assertIn(type(error).__name__, missing["stage"])
                self.assertEqual([figure.row for figure in figures], ["burst"])
                self.assertEqual(told, [(0, 1), (1, 1)], "written after each row")

    def test_why_a_program_failed_is_told(self):
        self.assertIn("no socket", program.one_line(
            subprocess.CalledProcessError(1, "simpul-floor", stderr="no\nsocket")))

    def test_every_figure_of_a_row_says_that_simpul_load_was_the_bottleneck(self):
        def row(_):
            load.reports.append(
                {"bottleneck": True, "own_cpu_share": 0.97, "own_wait_share": 0.1,
                 "own_late_ms_p99": 1, "expected": 0})
            return [Figure("stage", "CPU", 1, "µs", note="fast"), Figure("stage", "more", 1, "")]
        program.ROWS.update(stage=row, burst=lambda _: [Figure("burst", "what", 1, "µs")])
        figures, _ = program.measure(["stage", "burst"], None)
        self.assertRegex(figures[0].note, "^fast; simpul-load was the bottleneck")
        self.assertRegex(figures[1].note, "^simpul-load was the bottleneck")
        self.assertEqual(figures[2].note, "")

    def test_the_first_figure_of_a_row_says_what_was_lost(self):
        def row(_):
            for lost in (0, 3):
                load.reports.append({"bottleneck": False, "expected": 1000, "lost": lost})
            return [Figure("stage", "CPU", 1, "µs"), Figure("stage", "more", 1, "")]
        program.ROWS.update(stage=row, burst=lambda _: [Figure("burst", "what", 1, "µs")])
        figures, _ = program.measure(["stage", "burst"], None)
        self.assertEqual([figure.note for figure in figures], ["0.15 % lost", "", ""])

    def test_the_exit_status_tells_of_counts_and_failures_but_not_of_times(self):
        slow = Figure("stage", "CPU", 9, "µs", 1.2)
        allocates = Figure("count", "allocations", 1, "", 0.1)
        self.assertEqual(program.status_of([slow], {}), 0)
        self.assertEqual(program.status_of([slow], {"janus": "not installed"}), 1)
        self.assertEqual(program.status_of([slow, allocates], {}), 1)


class Tables(unittest.TestCase):
    FIGURES = [Figure("stage", "CPU", 0.9152, "µs", 1.2, "floor, µs", 0.81, noise=0.07),
               Figure("janus", "times", 11.0, "", 12, at_least=True, note="NSS")]

    def test_the_table_has_value_goal_yardstick_ratio_and_noise(self):
        text = report.to_markdown(
            report.document_of(ABOUT, self.FIGURES, {"cm80": "no\n| flag"}))
        self.assertIn("| stage | CPU | 0.915 µs | at most 1.20 µs | yes | floor: 0.810 µs | 1.13 "
                      "| 7 % | 1 |  |", text)
        self.assertIn("| janus | times | 11.0 | at least 12.0 | **no** |  |  |  | 1 | NSS |", text)
        self.assertIn("| cm80 | not measured | | | | | | | 1 | no / flag |", text)
        self.assertIn("1. today, a CPU, 2 cores, kernel 6, load 0.1 at the beginning, commit abc, "
                      "rounds: 3 of 2 s", text)
        self.assertLessEqual(max(len(line) for line in text.splitlines() if line[0:1] != "|"), 120)

    def test_a_run_says_when_the_machine_was_not_idle(self):
        for at_the_beginning, said in ((0.5, False), (0.6, True)):
            about = report.about_run(1, {**ABOUT, "load": at_the_beginning})
            self.assertEqual("the machine was not idle" in about.replace("\n   ", " "), said)

    def test_other_servers_stand_beside_the_first_figure_of_their_row(self):
        more = Figure("stage", "ratio", 1.6, "")
        text = report.to_markdown(report.document_of(ABOUT, [*self.FIGURES, more], {}))
        self.assertRegex(text, r"\| CPU \| mediasoup 3\.27: .* \| 0\.915 µs \| `scripts/bench "
                         r"stage` \|\n$")
        self.assertNotIn("mediasoup", report.to_markdown(
            report.document_of(ABOUT, self.FIGURES[1:], {})))

    def test_the_plot_has_a_bar_for_each_figure_with_a_goal(self):
        more = [Figure("storm", "lost", 0, "packets", 0), Figure("pairs", "a < b", 1, "µs", 2),
                Figure("pairs", "no goal", 1, "µs")]
        drawing = xml.etree.ElementTree.fromstring(plot.to_svg(self.FIGURES + more))
        texts = [element.text for element in drawing.iter() if element.text]
        self.assertIn("stage: CPU", texts)
        self.assertIn("pairs: a < b", texts)
        self.assertIn("0.76", texts)
        self.assertIn("1.09", texts, "a bound from below is turned round")
        self.assertNotIn("pairs: no goal", texts)

    def test_the_documents_table_is_replaced_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "performance.md"
            path.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
            document = report.document_of(ABOUT, self.FIGURES, {})
            report.update_docs(document, program.ROWS, path)
            self.assertEqual(path.read_text(),
                             f"before\n{report.BEGIN}\n\n![Figures and their goals]"
                             f"({report.PLOT})\n\n{report.to_markdown(document)}\n{report.END}\n"
                             "after\n")
            self.assertIn("<svg", (path.parent / report.PLOT).read_text())

    def test_rows_that_are_not_measured_now_stay_in_the_document_with_their_run(self):
        later = {**ABOUT, "date": "tomorrow", "command": "scripts/bench janus cm80"}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "performance.md"
            path.write_text(f"{report.BEGIN}\n{report.END}\n")
            report.update_docs(report.document_of(ABOUT, self.FIGURES, {"cm80": "no flag"}),
                               program.ROWS, path)
            report.update_docs(
                report.document_of(later, [Figure("cm80", "CPU", 1.6, "µs", 1.7)],
                                   {"janus": "gone"}), program.ROWS, path)
            text = path.read_text()
            self.assertIn("\n1. today", text)
            self.assertIn("\n2. tomorrow", text)
            self.assertIn("| stage | CPU | 0.915 µs | at most 1.20 µs | yes | floor: 0.810 µs | "
                          "1.13 | 7 % | 1 |", text)
            self.assertIn("| cm80 | CPU | 1.60 µs | at most 1.70 µs | yes |  |  |  | 2 |", text)
            self.assertIn("| janus | not measured | | | | | | | 2 | gone |", text)
            self.assertNotIn("no flag", text)
            self.assertNotIn("NSS", text)
            drawing = (path.parent / report.PLOT).read_text()
            self.assertTrue("stage: CPU" in drawing and "cm80: CPU" in drawing)
            # A run of which nothing is left is not told of.
            report.update_docs(report.document_of(later, self.FIGURES, {}), program.ROWS, path)
            self.assertNotIn("today", path.read_text())

    def test_the_real_document_has_a_place_for_the_table(self):
        text = report.DOCS.read_text()
        self.assertLess(text.index(report.BEGIN), text.index(report.END))

    def test_numbers_have_three_digits(self):
        self.assertEqual([report.number(value) for value in (0, 0.0161, 1.234, 12.34, 1234.5)],
                         ["0", "0.0161", "1.23", "12.3", "1,234"])


if __name__ == "__main__":
    unittest.main()
