"""Run the commands that README and docs show, and write what they print under them, or say with ``--check``
where a page does not tell the truth.

Run it from anywhere: ``python scripts/write_docs.py [--check] [PAGE …]``.

A fenced block of kind ``console`` holds commands (``$ ``, continued by ``> ``) and what they print. All of a
page run in one fresh repository folder, top to bottom, as a person with a git identity and nothing else.
``…`` stands for any text, on a line of its own for any lines. Ids, times and durations are compared by form.
A comment right before a block says more about it:

    <!-- exit: 4 -->            its last command ends with that exit code (otherwise: 0)
    <!-- file: tools/agent.sh --> the block's text is written to that file
    <!-- prints: baton demo --> the whole block is what that command prints (not in a console block)
    <!-- not run: reason -->    nobody runs it here

Blocks of kind ``sh`` need the last one: a reader takes them for commands. ``yaml`` blocks that are files of
``tasks/`` are checked against their schemas, ``json`` blocks for being JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[1]
COMMENT = re.compile(r"<!-- (exit|file|prints|not run): (.+?) -->")
SHELLS = ("sh", "bash", "shell", "zsh")
TIMEOUT_S = 300
#: What differs from run to run, and what stands for it in a comparison.
VARYING = (
    (re.compile(r"/\S*?/baton-demo-\w+"), "FOLDER"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b\d{8}T\d{6,9}Z-[0-9a-z]{16}"), "TIME-ID"),
    (re.compile(r'"run": "[0-9a-z]{16}"'), "RUN"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"\b(?=\w*\d)[0-9a-f]{7,40}\b"), "ID"),
    (re.compile(r"\b(?=[a-z]*\d)[0-9a-z]{16}\b"), "ID"),
    (re.compile(r"\b\d+(\.\d+)?( s|s|ms)\b"), "SECONDS"),
    (re.compile(r"\bof \d+ words\b"), "of N words"),
)


class Block(NamedTuple):
    """A fenced block: its kind, the comment before it, and its text. ``start`` and ``end`` are the numbers,
    from 0, of its first line of text and of its closing fence.
    """

    kind: str
    note: str | None
    value: str
    start: int
    end: int
    lines: list[str]


class Command(NamedTuple):
    """A command of a ``console`` block, and the lines that it is said to print."""

    text: str
    shown: list[str]
    expected: list[str]


def find_blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = re.fullmatch(r"```(\w*)", lines[at])
        if not opening:
            at += 1
            continue
        end = lines.index("```", at + 1)
        before = next((line for line in reversed(lines[:at]) if line.strip()), "")
        note = COMMENT.fullmatch(before)
        yield Block(
            opening[1], note[1] if note else None, note[2] if note else "", at + 1, end, lines[at + 1 : end]
        )
        at = end + 1


def find_commands(block: Block) -> list[Command]:
    """The commands of a ``console`` block."""
    commands: list[Command] = []
    for line in block.lines:
        if line.startswith("$ "):
            commands.append(Command(line[2:], [line], []))
        elif commands and line.startswith("> ") and not commands[-1].expected:
            last = commands[-1]
            commands[-1] = Command(f"{last.text}\n{line[2:]}", [*last.shown, line], [])
        elif commands:
            commands[-1].expected.append(line)
        else:
            raise SystemExit(f"a console block begins with no command: {line}")
    return commands


def say_alike(expected: list[str], actual: list[str]) -> bool:
    """Whether ``actual`` is what ``expected`` shows, apart from what differs from run to run."""
    pattern = "".join(
        "(?:.*\n)*" if line == "…" else re.escape(_level(line)).replace("…", ".*") + "\n" for line in expected
    )
    return re.fullmatch(pattern, "".join(_level(line) + "\n" for line in actual)) is not None


def _level(line: str) -> str:
    for pattern, word in VARYING:
        line = pattern.sub(word, line)
    return line.rstrip()


class Place:
    """The folder that the commands of one page run in, and what they see of the world."""

    def __init__(self, root: Path) -> None:
        self._cwd = root / "work"
        self._note = root / "cwd"
        programs = root / "bin"
        for folder in (self._cwd, programs, root / "home", root / "tmp"):
            folder.mkdir()
        baton = programs / "baton"
        baton.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m gitbaton "$@"\n', encoding="utf-8")
        baton.chmod(0o755)
        (root / "home" / ".gitconfig").write_text(
            "[user]\n\tname = Kim Example\n\temail = kim@example.org\n[init]\n\tdefaultBranch = main\n"
            "[gc]\n\tauto = 0\n[advice]\n\tdetachedHead = false\n",
            encoding="utf-8",
        )
        self._env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(root / "home"),
            "TMPDIR": str(root / "tmp"),
            "PYTHONPATH": str(_find_source()),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
        }

    def write(self, name: str, text: str) -> None:
        """Write a file, relative to where the commands are now."""
        target = self._cwd / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def run(self, command: str) -> tuple[int, list[str]]:
        """Exit code and lines of a command; where it changes the folder, the next one starts there."""
        done = subprocess.run(
            ["/bin/sh", "-c", f"trap 'pwd > \"{self._note}\"' EXIT\n{command}"],
            cwd=self._cwd, env=self._env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S, check=False, text=True,
        )  # fmt: skip
        self._cwd = Path(self._note.read_text(encoding="utf-8").rstrip("\n"))
        return done.returncode, done.stdout.splitlines()


def _find_source() -> Path:
    """Where this process finds gitbaton, so that the commands use the very same one."""
    import gitbaton

    return Path(gitbaton.__file__).parents[1]


def run_page(text: str) -> tuple[str, list[str]]:
    """The page with outputs that are true, and what was wrong with it."""
    lines = text.splitlines()
    problems: list[str] = []
    changes: list[tuple[int, int, list[str]]] = []
    with tempfile.TemporaryDirectory(prefix="docs-", ignore_cleanup_errors=True) as folder:
        place = Place(Path(folder).resolve())
        for block in find_blocks(text):
            where = f"line {block.start}"
            if block.note == "file":
                place.write(block.value, "\n".join(block.lines) + "\n")
            if block.note == "not run":
                continue
            if block.note == "prints":
                found, wrong = _run_command(place, Command(block.value, [], block.lines), 0, where)
                problems += wrong
                changes.append((block.start, block.end, found))
                continue
            if block.kind in SHELLS and block.note != "file":
                problems.append(f"{where}: say why nobody runs this block, or make it console")
            elif block.kind == "json":
                problems += _check_json(block, where)
            elif block.kind == "yaml":
                problems += _check_yaml(block, where)
            elif block.kind == "console":
                found, wrong = _run_block(place, block, where)
                problems += wrong
                changes.append((block.start, block.end, found))
    for start, end, found in reversed(changes):
        lines[start:end] = found
    return "\n".join(lines) + "\n", problems


def _run_block(place: Place, block: Block, where: str) -> tuple[list[str], list[str]]:
    found: list[str] = []
    problems: list[str] = []
    commands = find_commands(block)
    for command in commands:
        wanted = int(block.value) if block.note == "exit" and command is commands[-1] else 0
        printed, wrong = _run_command(place, command, wanted, where)
        found += command.shown + printed
        problems += wrong
    return found, problems


def _run_command(place: Place, command: Command, wanted: int, where: str) -> tuple[list[str], list[str]]:
    """What a page should say that a command prints, and what is wrong with what it says."""
    code, printed = place.run(command.text)
    problems = []
    if code != wanted:
        said = "\n  ".join(printed)
        problems.append(f"{where}: $ {command.text}\n  exit code {code}, not {wanted}:\n  {said}")
    if say_alike(command.expected, printed):
        return command.expected, problems
    said, shown = "\n  ".join(printed), "\n  ".join(command.expected)
    problems.append(f"{where}: $ {command.text}\n  prints:\n  {said}\n  but the page says:\n  {shown}")
    return printed, problems


def _check_json(block: Block, where: str) -> list[str]:
    try:
        json.loads("\n".join(block.lines))
    except ValueError as error:
        return [f"{where}: no JSON: {error}"]
    return []


def _check_yaml(block: Block, where: str) -> list[str]:
    """A block that shows a file of ``tasks/`` says so in its first line, or was written there."""
    from gitbaton.errors import InvalidDocument
    from gitbaton.store.documents import judge_document
    from gitbaton.store.layout import classify
    from gitbaton.store.yamlfile import parse_yaml

    first = re.fullmatch(r"# (tasks/\S+)", block.lines[0])
    path = block.value if block.note == "file" else first[1] if first else ""
    place = classify(path)
    if place is None:
        return []
    text = ("\n".join(block.lines) + "\n").encode()
    try:
        found = judge_document(parse_yaml(text, path), place.kind)[1]
    except InvalidDocument as error:
        found = list(error.problems)
    return [f"{where}: {problem}" for problem in found]


def find_pages(names: list[str]) -> list[Path]:
    """The pages asked for, or all."""
    if names:
        return [Path(name).resolve() for name in names]
    return sorted([*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")])


def main(arguments: list[str]) -> int:
    """Exit code 1 when ``--check`` finds a page that is wrong, or a command ended otherwise than it says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a page is wrong")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="only these pages")
    asked = parser.parse_args(arguments)
    wrong = False
    for page in find_pages(asked.pages):
        text = page.read_text(encoding="utf-8")
        found, problems = run_page(text)
        name = page.relative_to(TOP) if page.is_relative_to(TOP) else page
        for problem in problems:
            sys.stdout.write(f"{name}: {problem}\n")
        wrong = wrong or bool(problems)
        if not asked.check and found != text:
            page.write_text(found, encoding="utf-8")
            sys.stdout.write(f"written: {name}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.path.insert(0, str(TOP / "src"))
    raise SystemExit(main(sys.argv[1:]))
