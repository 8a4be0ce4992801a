"""A stand-in for a coding agent: it plays back prepared work. No model, no API key.

It keeps the contract of every program that runs as an agent (adapter: command): the briefing comes on
standard input, the work is done in the current folder, and the file that $BATON_RESULT names says what
was done. As real agents do, it gets something wrong at first and does better once a person says what.
"""

import json
import os
import sys
from pathlib import Path
from typing import NamedTuple


class Work(NamedTuple):
    """What an attempt leaves: a summary, the texts of its files by path, and a decision worth a look."""

    summary: str
    files: dict[str, str]
    decision: str


def main() -> int:
    briefing = sys.stdin.buffer.read().decode()
    task, result = os.environ["BATON_TASK"], Path(os.environ["BATON_RESULT"])
    guidance = find_guidance(briefing)
    print("a script, not a model, reads " + (f"the guidance: {guidance}" if guidance else "its briefing"))
    if task not in TASKS:
        words = f"I am a script and know the demo's tasks only, not {task}. Give it to a real agent."
        result.write_text(json.dumps({"outcome": "agent_refused", "message": words}))
        return 0
    work = TASKS[task](guidance)
    for path, text in work.files.items():
        Path(path).write_text(text)
        print(f"wrote {path}")
    said = {"summary": work.summary, "decisions": [work.decision], "completed": sorted(work.files)}
    result.write_text(json.dumps(said))
    return 0


def find_guidance(briefing: str) -> str:
    """What a person said about the work so far: the quoted lines of the briefing's section about it."""
    section = briefing.partition("\n## Heed this first\n")[2].partition("\n## ")[0]
    return " ".join(line[2:] for line in section.splitlines() if line.startswith("> "))


def read_durations(guidance: str) -> Work:
    """Forgets at first that hours or minutes may be missing."""
    both = r"(\d+)h(\d+)m"
    either = r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?"
    pattern = either if "missing" in guidance else both
    return Work(
        "read_duration() gives the minutes of durations such as 1h30m.",
        {
            "hours/durations.py": DURATIONS.replace("PATTERN", pattern),
            "tests/test_durations.py": TEST_DURATIONS,
        },
        "A number without h or m is refused, because it could mean either",
    )


def read_entries(guidance: str) -> Work:
    """Names the number of a wrong line only when a person asks for it; then it edits what is there."""
    if "line" not in guidance:
        return Work(
            "read_entries() gives an Entry for each line of a log.",
            {"hours/entries.py": ENTRIES, "tests/test_entries.py": TEST_ENTRIES},
            "Dates stay text: nothing has to be computed with them yet",
        )
    code = Path("hours/entries.py").read_text()
    code = code.replace("for line in lines:", "for number, line in enumerate(lines, 1):")
    code = code.replace("read_line(line)", "read_line(line, number)")
    code = code.replace("def read_line(line: str)", "def read_line(line: str, number: int)")
    code = code.replace('f"{line', 'f"line {number}: {line')
    code = code.replace("    return Entry(date, project, read_duration(time))\n", NUMBERED)
    test = Path("tests/test_entries.py").read_text() + TEST_NUMBERS
    return Work(
        "Errors now begin with the number of the line they are about.",
        {"hours/entries.py": code, "tests/test_entries.py": test},
        "Lines count from 1, as in editors, and skipped ones count too",
    )


def sum_projects(_: str) -> Work:
    return Work(
        "sum_projects() adds up the minutes of each project, the largest sum first.",
        {"hours/projects.py": PROJECTS, "tests/test_projects.py": TEST_PROJECTS},
        "The order is part of the result: a dict keeps it",
    )


def find_busiest_day(_: str) -> Work:
    return Work(
        "find_busiest_day() gives the day with the most time.",
        {"hours/days.py": DAYS, "tests/test_days.py": TEST_DAYS},
        "Days are compared as text, which orders ISO dates by time",
    )


def print_report(_: str) -> Work:
    readme = Path("README.md").read_text() + "\n    $ python3 -m hours examples/march.log\n"
    return Work(
        "python3 -m hours FILE prints the report; README.md says so.",
        {"hours/__main__.py": MAIN, "tests/test_report.py": TEST_REPORT, "README.md": readme},
        "The column is as wide as its longest name",
    )


TASKS = {
    "read-durations": read_durations,
    "read-entries": read_entries,
    "sum-projects": sum_projects,
    "find-busiest-day": find_busiest_day,
    "print-report": print_report,
}

# -- the prepared work -----------------------------------------------------------------------------------

DURATIONS = '''\
"""Durations such as 1h30m."""

import re

_DURATION = re.compile(r"PATTERN")


def read_duration(text: str) -> int:
    """The minutes that ``text`` stands for. Raises ValueError for anything else than a duration."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration such as 1h30m")
    hours, minutes = found.groups(default="0")
    return int(hours) * 60 + int(minutes)
'''

TEST_DURATIONS = """\
import unittest

from hours.durations import read_duration


class Durations(unittest.TestCase):
    def test_hours_minutes_and_both(self):
        for text, minutes in [("1h30m", 90), ("2h", 120), ("45m", 45)]:
            self.assertEqual(read_duration(text), minutes)

    def test_anything_else_is_refused(self):
        for text in ["", "90", "soon", "1h 30m"]:
            with self.assertRaisesRegex(ValueError, repr(text)):
                read_duration(text)
"""

ENTRIES = '''\
"""The entries of a log of working hours."""

from collections.abc import Iterable
from typing import NamedTuple

from hours.durations import read_duration


class Entry(NamedTuple):
    """Time that went into a project on one day."""

    date: str
    project: str
    minutes: int


def read_entries(lines: Iterable[str]) -> list[Entry]:
    """The entries in ``lines``. Raises ValueError for a line that is none."""
    entries = []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            entries.append(read_line(line))
    return entries


def read_line(line: str) -> Entry:
    parts = line.split()
    if len(parts) != 3:
        raise ValueError(f"{line.strip()!r} has not three parts")
    date, project, time = parts
    return Entry(date, project, read_duration(time))
'''

NUMBERED = """\
    try:
        return Entry(date, project, read_duration(time))
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error
"""

TEST_ENTRIES = """\
import unittest

from hours.entries import Entry, read_entries


class Entries(unittest.TestCase):
    def test_each_line_is_an_entry(self):
        found = read_entries(["2026-03-02 website 1h30m", "2026-03-03  support  45m"])
        self.assertEqual(found, [Entry("2026-03-02", "website", 90), Entry("2026-03-03", "support", 45)])

    def test_empty_lines_and_comments_are_skipped(self):
        self.assertEqual(read_entries(["", "  ", "# March"]), [])

    def test_a_line_with_other_parts_is_refused(self):
        for line in ["2026-03-02 website", "2026-03-02 website 1h 30m"]:
            with self.assertRaises(ValueError):
                read_entries([line])
"""

TEST_NUMBERS = """
    def test_an_error_names_its_line(self):
        for wrong in ["2026-03-03 support", "2026-03-03 support soon"]:
            with self.assertRaisesRegex(ValueError, "^line 3: "):
                read_entries(["# March", "2026-03-02 website 1h", wrong])
"""

PROJECTS = '''\
"""Time by project."""

from collections import Counter
from collections.abc import Iterable

from hours.entries import Entry


def sum_projects(entries: Iterable[Entry]) -> dict[str, int]:
    """Minutes by project, the largest sum first, equal ones in alphabetical order."""
    sums: Counter[str] = Counter()
    for entry in entries:
        sums[entry.project] += entry.minutes
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))
'''

TEST_PROJECTS = """\
import unittest

from hours.entries import Entry
from hours.projects import sum_projects


class Projects(unittest.TestCase):
    def test_the_largest_sum_comes_first(self):
        entries = [Entry("d", "a", 5), Entry("d", "c", 8), Entry("d", "b", 2), Entry("d", "b", 6)]
        self.assertEqual(list(sum_projects(entries).items()), [("b", 8), ("c", 8), ("a", 5)])

    def test_no_entries_give_no_projects(self):
        self.assertEqual(sum_projects([]), {})
"""

DAYS = '''\
"""Time by day."""

from collections import Counter
from collections.abc import Iterable

from hours.entries import Entry


def find_busiest_day(entries: Iterable[Entry]) -> tuple[str, int] | None:
    """The date with the most time and its minutes, the earlier of equal ones; None without entries."""
    sums: Counter[str] = Counter()
    for entry in entries:
        sums[entry.date] += entry.minutes
    return min(sums.items(), key=lambda item: (-item[1], item[0]), default=None)
'''

TEST_DAYS = """\
import unittest

from hours.days import find_busiest_day
from hours.entries import Entry


class Days(unittest.TestCase):
    def test_the_earlier_of_equal_days_is_given(self):
        entries = [Entry("2026-03-03", "a", 9), Entry("2026-03-02", "a", 4), Entry("2026-03-02", "b", 5)]
        self.assertEqual(find_busiest_day(entries), ("2026-03-02", 9))

    def test_no_entries_have_no_busiest_day(self):
        self.assertIsNone(find_busiest_day([]))
"""

MAIN = '''\
"""``python3 -m hours FILE``: where the time went."""

import sys

from hours.days import find_busiest_day
from hours.entries import Entry, read_entries
from hours.projects import sum_projects


def render_report(entries: list[Entry]) -> str:
    """A line for each project, and one for the busiest day."""
    rows = list(sum_projects(entries).items())
    if busiest := find_busiest_day(entries):
        rows.append((f"busiest day: {busiest[0]}", busiest[1]))
    width = max((len(name) for name, _ in rows), default=0)
    return "\\n".join(f"{name:<{width}}  {render_duration(minutes)}" for name, minutes in rows)


def render_duration(minutes: int) -> str:
    return f"{minutes // 60}h{minutes % 60:02}m"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python3 -m hours FILE", file=sys.stderr)
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as file:
            print(render_report(read_entries(file)))
    except (OSError, ValueError) as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
'''

TEST_REPORT = """\
import subprocess
import sys
import unittest


def report(name):
    return subprocess.run([sys.executable, "-m", "hours", name], capture_output=True, text=True)


class Report(unittest.TestCase):
    def test_the_report_of_march(self):
        lines = [line.split() for line in report("examples/march.log").stdout.splitlines()]
        self.assertEqual(lines[:2], [["website", "7h15m"], ["support", "2h00m"]])
        self.assertEqual(lines[2], ["busiest", "day:", "2026-03-04", "3h45m"])

    def test_a_file_that_is_missing(self):
        done = report("nowhere.log")
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\\n")), (1, "", 1))
"""

if __name__ == "__main__":
    sys.exit(main())
