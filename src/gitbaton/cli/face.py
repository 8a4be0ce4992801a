"""What every command of the command line shares: its declaration, its answer, the error boundary."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from gitbaton.errors import BatonError, UsageError, explain_os_error

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
    """An argument parser that raises instead of exiting, so that one boundary words every error."""

    def error(self, message: str) -> NoReturn:
        """Raises ``UsageError``."""
        raise UsageError(message[:1].lower() + message[1:], code="usage", hint=f"{self.prog} --help")


def build_parser(name: str, command: Command) -> Parser:
    """The parser of one command."""
    epilog = "examples:\n" + "\n".join(f"  {e}" for e in command.examples) if command.examples else None
    parser = Parser(
        prog=f"baton {name}", description=command.describe, epilog=epilog, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    command.configure(parser)
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    return parser


def open_here(*, complete: bool = True) -> Project:
    """The project of the current folder, after completing what a killed command left (unless told not to)."""
    from gitbaton import wiring

    return wiring.open_here(complete=complete)


def carry_out(command: Command, arguments: argparse.Namespace, *, as_json: bool) -> int:
    """Run a command and print its answer; every expected failure ends here."""
    try:
        answer = command.run(arguments)
        if isinstance(answer, int):
            return answer
        say(json.dumps(answer.record, ensure_ascii=False) if as_json else answer.text)
        return answer.exit_code
    except BaseException as error:  # noqa: BLE001 this is the boundary
        return report(error, as_json=as_json)


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
            print(f"error: {error.message}", file=sys.stderr)
            for problem in error.problems:
                if str(problem) != error.message:
                    print(f"  {problem}", file=sys.stderr)
            if error.hint:
                print(f"hint: {error.hint}", file=sys.stderr)
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
