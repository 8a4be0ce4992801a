"""What every command of the command line shares: its declaration, its answer, the error boundary."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TextIO

from gitbaton.cli import GLOBAL_FLAGS
from gitbaton.errors import BatonError, UsageError, escape, explain_os_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.usecases.project import Project

EXIT_NOTHING = 3
EXIT_ATTEMPT_FAILED = 4
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class Answer(NamedTuple):
    """What a command says: a record for programs, text for people, an exit code."""

    record: dict[str, Any]
    text: str
    exit_code: int = 0


class Command(NamedTuple):
    """One command: its parser's content, its work, and examples for its help."""

    describe: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], Answer | int]
    examples: Sequence[str] = ()


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting, so that one boundary words every error. ``examples`` stand
    in its help.
    """

    examples: Sequence[str] = ()

    def read_words(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments that ``words`` give, with ``last`` replaced by the id it stands for. Raises ``UsageError``,
        which names the flag or value that was probably meant.
        """
        for word in words[: words.index("--") if "--" in words else None]:
            name = word.partition("=")[0]
            if name.startswith("--") and " " not in name and name not in self._option_string_actions:
                raise self._explain_flag(name)
        found, left = self.parse_known_args(words)
        if left:
            raise (
                self._explain_flag(left[0])
                if left[0].startswith("-")
                else UsageError(
                    f"'{left[0]}' is one word too many",
                    code="usage",
                    hint=f"put text with blanks into quotes; {self.prog} --help",
                )
            )
        for action in self._actions:
            if takes_task(action):
                setattr(found, action.dest, _replace_last(getattr(found, action.dest)))
        return found

    def format_help(self) -> str:
        """The help, in our own form."""
        from gitbaton.cli.helptext import render_command

        return _fit(render_command(self, self.examples), sys.stdout)

    def error(self, message: str) -> NoReturn:
        """Raises ``UsageError``."""
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            raise self._explain_missing(missing.split(", "))
        raise UsageError(message[:1].lower() + message[1:], code="usage", hint=f"{self.prog} --help")

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError:
            wanted = "a whole number" if action.type is int else "a number from 1 on"
            said = f"{action.option_strings[-1]} takes {wanted}, not '{arg_string}'"
            raise UsageError(said, code="bad-value", hint=f"{self.prog} --help") from None

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        from gitbaton.domain.ids import find_similar

        name = action.option_strings[-1] if action.option_strings else action.metavar or action.dest
        known = [str(choice) for choice in action.choices]
        near = find_similar(str(value), known, 1)
        hint = f"did you mean {near[0]}?" if near else f"one of: {', '.join(known)}"
        raise UsageError(f"{name} takes no '{value}'", code="bad-value", hint=hint)

    def _explain_flag(self, name: str) -> UsageError:
        from gitbaton.domain.ids import find_similar

        known = [flag for flag in self._option_string_actions if flag.startswith("--")]
        if name in GLOBAL_FLAGS:
            hint = f"put it before the command: {self.prog.replace(' ', f' {name} ', 1)}"
        else:
            starting = [flag for flag in known if len(name) > 3 and flag.startswith(name)]
            near = starting[:1] or find_similar(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"{self.prog} --help"
        return UsageError(f"{self.prog} has no {name}", code="usage", hint=hint)

    def _explain_missing(self, names: Sequence[str]) -> UsageError:
        first = next((a for a in self._actions if not a.option_strings and a.required), None)
        if first is not None and takes_task(first) and names[0] in (first.dest, first.metavar):
            said = f"which task? its id is missing{', and ' + ', '.join(names[1:]) if names[1:] else ''}"
            return UsageError(
                said, code="usage", hint=f"{self.prog} ID (or: last); see the ids with: baton list"
            )
        example = f"; for example: {self.examples[0]}" if self.examples else ""
        words = ", ".join(
            name if not name.islower() or name.startswith("-") else name.upper() for name in names
        )
        return UsageError(f"{words} is missing", code="usage", hint=f"{self.prog} --help{example}")


def takes_task(action: argparse.Action) -> bool:
    """Whether an argument is the id of a task that there is."""
    if action.option_strings:
        return action.metavar == "ID" and action.dest not in ("id", "plan")
    return action.dest in ("id", "ids", "task", "tasks")


def _replace_last(value: Any) -> Any:
    from gitbaton.cli.last import WORD, resolve_last

    if isinstance(value, list):
        return [_replace_last(item) for item in value]
    return resolve_last() if value == WORD else value


def build_parser(name: str, command: Command) -> Parser:
    """The parser of one command."""
    parser = Parser(prog=f"baton {name}", description=command.describe, allow_abbrev=False)
    parser.examples = command.examples
    command.configure(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    return parser


def open_here(*, complete: bool = True) -> Project:
    """The project of the current folder, after completing what a killed command left (unless told not to)."""
    from gitbaton import wiring

    return wiring.open_here(complete=complete)


def carry_out(command: Command, arguments: argparse.Namespace, *, as_json: bool, paging: bool = True) -> int:
    """Run a command and print its answer; every expected failure ends here."""
    try:
        answer = command.run(arguments)
        if isinstance(answer, int):
            return answer
        if "task" in answer.record:
            from gitbaton.cli.last import remember_last

            remember_last(answer.record)
        if as_json:
            say(json.dumps(answer.record, ensure_ascii=False))
        else:
            show(answer.text, paging=paging)
        return answer.exit_code
    except BaseException as error:  # noqa: BLE001 this is the boundary
        return report(error, as_json=as_json)


def show(text: str, *, paging: bool) -> None:
    """Print text for a person, as the terminal can show it; what is longer than the screen in a pager."""
    if paging and "\n" in text and sys.stdout.isatty():
        from gitbaton.cli.pager import show_in_pager

        if show_in_pager(text):
            return
    say(_fit(text, sys.stdout))


def _fit(text: str, stream: TextIO) -> str:
    if text.isascii() or not stream.isatty():
        return text
    from gitbaton.report.terminal import fit_stream

    return fit_stream(text, stream)


def say(text: str) -> None:
    """Print an answer; a reader that went away is no error."""
    if not text:
        return
    with contextlib.suppress(BrokenPipeError):
        print(text, flush=True)
        return
    os.dup2(
        os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
    )  # the interpreter flushes once more at exit


def report(error: BaseException, *, as_json: bool) -> int:
    """Word an error on stderr and give its exit code."""
    error = explain_os_error(error) or error
    if isinstance(error, BatonError):
        if as_json:
            from gitbaton.report.records import error_record

            print(json.dumps(error_record(error), ensure_ascii=False), file=sys.stderr)
        else:
            lines = [f"error: {error.message}"]
            lines += [f"  {problem}" for problem in error.problems if str(problem) != error.message]
            lines += [f"  {escape(complaint)}" for complaint in error.complaints]
            lines += [f"hint: {error.hint}"] if error.hint else []
            print(_fit("\n".join(lines), sys.stderr), file=sys.stderr)
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0
    return _report_bug(error, as_json=as_json)


def _report_bug(error: BaseException, *, as_json: bool) -> int:
    report(keep_traceback(error), as_json=as_json)
    return EXIT_BUG


def keep_traceback(error: BaseException) -> BatonError:
    """What to say about a failure that nobody expected; all that is known about it stands in the file it names."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="baton-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write("".join(traceback.format_exception(error)))
    return BatonError(
        f"gitbaton itself failed: {type(error).__name__}: {error}",
        code="bug",
        hint=f"this is a bug; the details are in {log.name}",
        data={"log": log.name},
    )
