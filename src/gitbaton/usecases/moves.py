"""A file that goes from one path to another in one edit, whose text must be what it was when that was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.errors import Refusal, TryAgain
from gitbaton.store.git import read_objects
from gitbaton.store.layout import doc_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.usecases.project import Project


class Changed(TryAgain):
    """A file is not what it was when its move was decided on; nothing has changed."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} was changed meanwhile", code="lost-race", hint="run the same command again")


def leave(path: str, text: bytes) -> Callable[[bytes | None], None]:
    """The change that takes the file with this ``text`` away. It raises ``Changed``."""

    def change(old: bytes | None) -> None:
        if old is None or _level(old) != _level(text):
            raise Changed(path)

    return change


def arrive(path: str, text: bytes) -> Callable[[bytes | None], bytes]:
    """The change that brings a file with this ``text``. It raises ``Refusal`` (``taken-path``)."""

    def change(old: bytes | None) -> bytes:
        if old is not None and _level(old) != _level(text):
            raise Refusal(
                f"there is a file {path} already", code="taken-path", hint="move it out of the way, then try again"
            )  # fmt: skip
        return text

    return change


def find_doc(project: Project, commit: str | None, task: str) -> bytes | None:
    """The committed notes of a task, which go where its file goes; None where there are none, or where this checkout
    has changed them: then they stay.
    """
    path = doc_path(task)
    text = read_objects(project.repo.git, [f"{commit}:{path}"])[0] if commit else None
    here = project.repo.top / path
    return None if text is None or (here.is_file() and _level(here.read_bytes()) != _level(text)) else text


def _level(text: bytes) -> bytes:
    """A checkout may have other line endings than the commit."""
    return text.replace(b"\r\n", b"\n")
