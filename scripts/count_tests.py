#!/usr/bin/env python3
"""Counts the tests in what a test runner wrote, and prints "PASSED FAILED".

usage: count_tests.py ctest FILE | vitest FILE | node FILE | fuzz FILE

FILE is ctest's JUnit report, vitest's JSON report, or the log of the other two. A GoogleTest program
counts as many tests as it says it ran; any other program that ctest runs counts as one.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def last_number(pattern, text):
    found = re.findall(pattern, text, re.M)
    return int(found[-1]) if found else None


def count_ctest(path):
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        good = last_number(r"^\[  PASSED  \] (\d+) test", output)
        bad = last_number(r"^\[  FAILED  \] (\d+) test", output) or 0
        did_fail = case.get("status") == "fail"
        if good is None:  # no GoogleTest program, or one that did not live to its last line
            good, bad = (0, 1) if did_fail else (1, 0)
        elif did_fail and bad == 0:
            bad = 1
        passed += good
        failed += bad
    return passed, failed


def count_vitest(path):
    report = json.loads(pathlib.Path(path).read_text())
    return report["numPassedTests"], report["numFailedTests"]


def count_node(path):
    log = pathlib.Path(path).read_text(errors="replace")
    number = lambda word: last_number(rf"^(?:\S\s+)?{word} (\d+)$", log) or 0
    return number("pass"), number("fail") + number("cancelled")


def count_fuzz(path):
    log = pathlib.Path(path).read_text(errors="replace")
    count = lambda word: len(re.findall(rf"^fuzz \S+ {word}\b", log, re.M))
    return count("passed"), count("failed")


def main():
    counts = {"ctest": count_ctest, "vitest": count_vitest, "node": count_node, "fuzz": count_fuzz}
    if len(sys.argv) != 3 or sys.argv[1] not in counts:
        sys.exit(__doc__)
    try:
        print(*counts[sys.argv[1]](sys.argv[2]))
    except (OSError, ElementTree.ParseError, ValueError, KeyError):
        print("0 0")  # the runner died before it could write; its exit status tells


main()
