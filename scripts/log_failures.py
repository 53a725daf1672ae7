#!/usr/bin/env python3
"""Prints what failed in the log of a step of scripts/test, and the log's end.

usage: log_failures.py LOG

First the reports of failing tests, sanitizers, fuzzers, compilers and scripts, as far as LINES_MAX
lines go, then the last lines of the log. A log without any report has a longer end instead.
"""
import pathlib
import re
import sys

LINES_MAX = 120
REPORT_LINES_MAX = 40
LAST_WORDS_LINES = 25
END_LINES = 20
END_LINES_ALONE = 60

COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# What ctest says itself: the output of a program is between two of these lines.
OF_CTEST = re.compile(r"^\s*\d+/\d+ +Test +#\d+: |^\s*Start +\d+: |^\d+% tests passed")

# What a report begins with, and the line before which it ends; None where it is one line.
REPORTS = [(re.compile(begin), end and re.compile(end)) for begin, end in [
    # ctest and GoogleTest
    (r"^\s*\d+/\d+ +Test +#\d+: .*\*\*\*", None),
    (r"^(\S+:\d+|unknown file): Failure$", r"^\[[ A-Z]{10}\] |^\[-{10}\]"),
    (r"^\[  FAILED  \] .*\(\d+ ms\)$", None),
    (r": check failed: |^terminate called|: Assertion .* failed", None),
    # sanitizers and libFuzzer
    (r"(ERROR|WARNING|FATAL): \w+Sanitizer|Sanitizer:DEADLYSIGNAL|: runtime error: ",
     r"^={10}|^\[[ A-Z]{10}\] "),
    (r"ERROR: libFuzzer|^ALARM: working on", r"^={10}|^fuzz "),
    (r"^SUMMARY: ", r"^"),
    (r"Test unit written to |^fuzz \S+ failed", None),
    # Node's reporters
    (r"^\s*✖ ", r"^\s*[✔▶ℹ] |^test at |^# result |^\++ "),
    (r"^\s*not ok \d+", r"^\s*(ok \d+|\.\.\.|1\.\.\d+)"),
    # Vitest
    (r"^\s*(FAIL|×) |^⎯+ Unhandled", r"^\s*(✓|Test Files) "),
    # Python
    (r"^(FAIL|ERROR): \w+ \(", r"^Ran \d+ test"),
    (r"^\s*Traceback \(most recent call last\)", r"^\s*$"),
    # builds
    (r"^FAILED: |^CMake Error", r"^\[\d+/\d+\] |^ninja: |^-- "),
    (r":\d+:\d+: (fatal )?error: |^npm (ERR!|error) ", None),
]]


def parts_of(lines):
    """One list of lines for what each program of ctest said; all in one where there is no ctest."""
    parts = [[]]
    for line in lines:
        if OF_CTEST.search(line):
            parts.append([])
        parts[-1].append(line)
    return parts


def reports_of(part):
    """A list of lines for each report. Some runners repeat them all at the end."""
    reports = []
    end = None
    for line in part:
        report = next((report for report in REPORTS if report[0].search(line)), None)
        if report:
            reports.append([line])
            end = report[1] or end
        elif end and end.search(line):
            end = None
        elif end and len(reports[-1]) <= REPORT_LINES_MAX:
            reports[-1].append(line if len(reports[-1]) < REPORT_LINES_MAX else "...")
    return {"\n".join(map(str.strip, report)).strip(): report for report in reports}.values()


def last_words(part):
    """Of a test that did not live to tell that it failed: what was said last."""
    running = None
    for index, line in enumerate(part):
        if line.startswith("[ RUN      ] "):
            running = index
        elif re.match(r"\[(       OK |  FAILED  |  SKIPPED )\] ", line):
            running = None
    if running is None:
        return []
    if any("Sanitizer" in line for line in part[running:]):
        return [part[running]]
    return [part[running], *part[running + 1:][-LAST_WORDS_LINES:]]


def failures_of(part):
    return [line for report in reports_of(part) for line in report] + last_words(part)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        text = pathlib.Path(sys.argv[1]).read_text(errors="replace")
    except OSError as error:
        sys.exit(str(error))
    lines = COLOURS.sub("", text).splitlines()
    failures = [line for part in parts_of(lines) for line in failures_of(part)]
    sys.stdout.reconfigure(errors="replace")
    if failures:
        print(*failures[:LINES_MAX], sep="\n")
    if len(failures) > LINES_MAX:
        print(f"({len(failures) - LINES_MAX} more lines of failures)")
    end = lines[-END_LINES:] if failures else lines[-END_LINES_ALONE:]
    print(f"the end of {sys.argv[1]}:", *end, sep="\n")


main()
