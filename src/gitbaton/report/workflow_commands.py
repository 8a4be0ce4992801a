"""What a step says to GitHub's runner: the commands it prints and the blocks it appends to files.

The forms and their escapes are those of
https://docs.github.com/actions/reference/workflow-commands-for-github-actions. Every text in here may come from
a stranger (a title, a question, a file's name), so nothing gets out of the place it is put into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.errors import BatonError, Problem

Level = Literal["error", "warning", "notice"]


def render_note(level: Level, text: str, *, title: str = "") -> str:
    """An annotation of the run."""
    return f"::{level}{f' title={_escape_property(title)}' if title else ''}::{_escape(text)}"


def render_problem(problem: Problem, level: Level = "error") -> str:
    """An annotation in a file of the repository."""
    text = f"{problem.field}: {problem.message}" if problem.field else problem.message
    place = f"file={_escape_property(problem.path)},line={problem.line},col={problem.column}"
    return f"::{level} {place},title={_escape_property(problem.code)}::{_escape(text)}"


def render_error(error: BatonError) -> list[str]:
    """An error as annotations: one for each problem of a file, else one for the whole."""
    if error.problems:
        return [render_problem(problem) for problem in error.problems]
    hint = f" ({error.hint})" if error.hint else ""
    return [render_note("error", error.message + hint, title=error.code)]


def render_mask(secret: str) -> str:
    """Hides ``secret`` in everything that the job prints from now on; each line of it, too."""
    return f"::add-mask::{_escape(secret)}"


def render_outputs(outputs: Mapping[str, str], mark: str) -> str:
    """Outputs for the file ``GITHUB_OUTPUT``. ``mark`` ends a value, so it must be a fresh secret: a value that
    contains it could set other outputs.
    """
    return "".join(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in outputs.items())


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
