"""The command that shows it all: demo."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import textwrap
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitbaton.cli import COMMANDS as TABLE
from gitbaton.cli.face import EXIT_INTERRUPTED, Answer, Command, build_parser, open_here, report
from gitbaton.demo.runners import Runners
from gitbaton.demo.stage import BUDGET_USD, Stage, build_stage, enter_stage, prove
from gitbaton.demo.story import FAILED, Performed, tell
from gitbaton.errors import AttemptFailed, BatonError
from gitbaton.report.board_text import render_board
from gitbaton.report.records import record, task_record
from gitbaton.report.terminal import Style, fit, printable
from gitbaton.usecases.board import list_tasks
from gitbaton.wiring import open_agent

if TYPE_CHECKING:
    import argparse
    from collections.abc import Container, Sequence

    from gitbaton.domain.board import Entry

_NARRATION_WIDTH = 100


class Show:
    """Performs the story: types each command, lets the command line's own code carry it out, shows the board.
    ``quiet`` shows nothing and only keeps ``steps``.
    """

    def __init__(self, *, quiet: bool) -> None:
        self.steps: list[dict[str, Any]] = []
        self._quiet = quiet
        self._style = Style()
        self._scene = 0

    def narrate(self, text: str) -> None:
        """See ``story.Performer``."""
        self._scene += 1
        lines = self._wrap(f"{self._scene}. {text}")
        self._print("\n" + "\n".join(self._style.paint(line, "bold") for line in lines))

    def explain(self, text: str) -> None:
        """Some sentences that belong to no step."""
        self._print("\n".join(self._wrap(text)))

    def _wrap(self, text: str) -> list[str]:
        width = min(self._style.width, _NARRATION_WIDTH)
        return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)

    def read(self, path: str) -> None:
        """See ``story.Performer``."""
        self.type(f"cat {path}")
        self._print(Path(path).read_text(encoding="utf-8").rstrip())

    def perform(self, *words: str, expect: Container[int] = (0,)) -> Performed:
        """See ``story.Performer``."""
        name, *rest = words
        line = " ".join(["baton", *map(_quote, words)])
        self.type(line)
        command: Command = import_module(f"gitbaton.cli.{TABLE[name].module}").COMMANDS[name]
        started = time.monotonic()
        try:
            answer = command.run(build_parser(name, command).parse_args([*rest, *self._json()]))
        except BatonError as error:
            if error.exit_code not in expect:
                raise
            if not self._quiet:
                sys.stdout.flush()
                with contextlib.redirect_stderr(sys.stdout):
                    report(error, as_json=False)
            answer = Answer({}, "", error.exit_code)
        assert isinstance(answer, Answer), "the story has no commands that answer by exit code alone"
        if answer.text:
            self._print(answer.text)
        if answer.exit_code == EXIT_INTERRUPTED:
            raise KeyboardInterrupt
        self._note(line, answer.exit_code, started)
        if answer.exit_code not in expect:
            raise AttemptFailed(
                f"{line} ended with exit code {answer.exit_code}: {answer.record.get('message') or answer.text}",
                code="demo-unfinished",
                hint="look at it with: baton list",
            )
        if name not in ("list", "show", "review"):
            self._show_board()
        return Performed(answer.record, answer.exit_code)

    def perform_together(self, lines: Sequence[Sequence[str]], *, expect: Container[int]) -> list[Performed]:
        """See ``story.Performer``."""
        line = " & ".join(" ".join(["baton", *map(_quote, words)]) for words in lines) + " & wait"
        self.type(line)
        before = {e.row.id: _attempt(e) for e in _board()}
        started = time.monotonic()
        codes = self._follow(lines)
        self._note(line, max(codes), started)
        if wrong := [code for code in codes if code not in expect]:
            raise AttemptFailed(
                f"a runner ended with exit code {wrong[0]}",
                code="demo-unfinished",
                hint="look at it with: baton list",
            )
        self._show_board()
        ran = []
        for entry in _board():
            if _attempt(entry) != before[entry.row.id]:
                found = {"task": task_record(entry), "message": entry.why}
                ran.append(Performed(found, 0 if entry.state == "in_review" else FAILED))
        return ran

    def _follow(self, lines: Sequence[Sequence[str]]) -> list[int]:
        """Run them all, and print what they say as it comes. Their exit codes."""
        claimed: set[int] = set()
        with Runners(lines) as runners:
            for number, text in runners.iter_lines():
                mark = self._style.paint(f"[{number + 1}]", ("cyan", "magenta")[number % 2])
                self._print(f"{mark} {fit(printable(text), self._style.width - 4)}")
                if text.startswith("claim") and number not in claimed:
                    claimed.add(number)
                    if len(claimed) == len(lines):  # the moment to see them all at work
                        self._show_board()
            return runners.wait()

    def type(self, line: str) -> None:
        """Show a command as a person types it."""
        self._print(self._style.paint(f"$ {line}", "cyan"))

    def say(self, text: str) -> None:
        """Show some lines."""
        self._print(text)

    def _show_board(self) -> None:
        board: dict[str, list[str]] = {}
        entries = _board()
        for entry in entries:
            board.setdefault(entry.state, []).append(entry.row.id)
        if self.steps:
            self.steps[-1]["board"] = board
        bar = self._style.paint(self._style.symbol("│", "|"), "dim")
        inner = Style()
        inner.width -= 4
        for text in render_board(entries, inner).splitlines():
            self._print(f"  {bar} {text}")

    def _note(self, line: str, code: int, started: float) -> None:
        self.steps.append(
            {"command": line, "exit_code": code, "seconds": round(time.monotonic() - started, 2)}
        )

    def _json(self) -> list[str]:
        return ["--json"] if self._quiet else []

    def _print(self, text: str) -> None:
        if not self._quiet:
            print(text, flush=True)


def _quote(word: str) -> str:
    """A word as a person types it in a shell: in double quotes where they do."""
    return (
        word if shlex.quote(word) == word else shlex.quote(word) if set(word) & set('"$`\\!') else f'"{word}"'
    )


def _board() -> list[Entry]:
    return list_tasks(open_here()).entries


def _attempt(entry: Entry) -> int:
    return entry.live.attempt if entry.live else 0


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--agent",
        choices=("scripted", "claude"),
        default="scripted",
        help="who does the work: a script that plays back prepared work (default), or Claude Code, which needs"
        f" its key and costs money (at most ${BUDGET_USD:.0f} an attempt)",
    )
    p.add_argument("--dir", metavar="FOLDER", help="where to set it up (default: a fresh temporary folder)")


def _demo(a: argparse.Namespace) -> Answer:
    if a.agent == "claude":
        from gitbaton.domain.config import AgentConfig

        open_agent("claude", AgentConfig()).check(os.environ)
    started = time.monotonic()
    stage = build_stage(Path(a.dir) if a.dir else None, a.agent)
    show = Show(quiet=a.json)
    show.explain(_open(stage, a.agent))
    try:
        with enter_stage(stage):
            tell(show)
            tasks = [task_record(e) for e in _board()]
            proofs = _prove(stage, show)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 whoever read along has gone; nothing more to say
        return Answer({}, "", EXIT_INTERRUPTED)
    except (KeyboardInterrupt, BatonError):
        print(f"\nThe demo's folder stays for you to look at: {stage.folder}", file=sys.stderr)
        raise
    merged = all(t["state"] == "done" for t in tasks)
    good = merged and all(p.passed for p in proofs if p.required)
    seconds = round(time.monotonic() - started, 1)
    fields = {
        "agent": a.agent, "folder": str(stage.folder), "seconds": seconds, "steps": show.steps, "tasks": tasks,
        "merged": merged, "proofs": [p._asdict() for p in proofs],
    }  # fmt: skip
    if not good:
        raise AttemptFailed(
            "the plan was worked off, but the result does not stand by itself",
            code="demo-unfinished",
            hint=f"look at {stage.folder / 'fresh'}",
            data=fields,
        )
    return Answer(record("demo", **fields), _close(stage, len(tasks), seconds))


def _open(stage: Stage, agent: str) -> str:
    who = (
        "A scripted stand-in plays the coding agent: no model, no API key, no network."
        if agent == "scripted"
        else f"Claude Code does the work; an attempt may cost up to ${BUDGET_USD:.0f}."
    )
    return (
        f"{who} All else is real: the git server, the claims, the checks, the reviews, the merges. "
        f"It stands in {stage.folder} and may be deleted at any time."
    )


def _prove(stage: Stage, show: Show) -> list[Any]:
    show.narrate("Everything is merged. A fresh clone of the server proves it:")
    show.type(f"git clone {_quote(os.fspath(stage.server))} fresh && cd fresh")
    proofs = prove(stage)
    for proof in proofs:
        show.type(proof.command)
        show.say(proof.output)
    return proofs


def _close(stage: Stage, tasks: int, seconds: float) -> str:
    return (
        f"\n{tasks} tasks merged, in {seconds:.0f} s. Look around: cd {shlex.quote(str(stage.work))}\n"
        f"Delete it: rm -rf {shlex.quote(str(stage.folder))}\n\n"
        "In a repository of your own:\n"
        "  baton init\n"
        '  baton add "Title of the first task" --accept "what must hold when it is done"\n'
        "  git push\n"
        "  baton run\n"
        "Agents (Claude Code, or any program) and checks are named in tasks/config.yaml."
    )


COMMANDS = {
    "demo": Command(
        "Watch gitbaton work off a small project: it makes a real repository with a bare server beside it, and drives\n"
        "five tasks through claim, run, check, review and merge. Needs no API key and no network, takes seconds, and\n"
        "touches nothing of yours.",
        _configure, _demo, ("baton demo", "baton demo --dir /tmp/look", "baton demo --agent claude"),
    ),
}  # fmt: skip
