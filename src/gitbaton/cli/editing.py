"""Commands that open the person's editor: edit."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.cli.delivery import add_delivery, delivery_record, describe_delivery, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.given import read_bytes
from gitbaton.errors import BatonError, Refusal, UsageError
from gitbaton.report.records import record

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from gitbaton.usecases.writing import Written


class Editor:
    """The person's editor, on a file of its own that ends in ``.yaml``. As a context: the file goes at the end, unless
    the text that was typed there is in no other place.
    """

    def __init__(self, again: str) -> None:
        self._again = again
        self._program = _find_program()
        self._folder: Path | None = None
        self._file: Path | None = None

    def __call__(self, name: str, text: bytes) -> bytes:
        """What the person made of ``text``. Raises ``Refusal`` (``editor-failed``)."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="baton-edit-"))
        self._file = self._folder / f"{name}.yaml"
        self._file.write_bytes(text)
        out = None if sys.stdout.isatty() else sys.stderr  # what goes to standard output is our answer
        words = ["/bin/sh", "-c", f'{self._program} "$@"', self._program, str(self._file)]
        try:
            code = subprocess.run(words, stdout=out, check=False).returncode
            said = self._file.read_bytes()
        except OSError as error:
            raise self._explain(str(error)) from error
        if code:
            raise self._explain(f"exit code {code}", changed=said != text)
        return said

    def _explain(self, said: str, *, changed: bool = True) -> Refusal:
        if not changed:
            self.forget()
        return Refusal(
            f"the editor ended otherwise than well ({self._program}: {said}), so nothing was saved",
            code="editor-failed",
            hint="choose another one: git config core.editor PROGRAM",
        )

    def __enter__(self) -> Callable[[str, bytes], bytes]:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, BatonError) and self._file is not None:
            error.hint = f"your text is kept; go on with: {self._again} --from {self._file}"
            error.data["kept"] = str(self._file)
        elif isinstance(error, KeyboardInterrupt) and self._file is not None:
            print(f"your text is kept; go on with: {self._again} --from {self._file}", file=sys.stderr)
        else:
            self.forget()

    def forget(self) -> None:
        """Take the file away."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = self._file = None


def _find_program() -> str:
    """The editor, as git finds it: GIT_EDITOR, core.editor, VISUAL, EDITOR, vi."""
    done = subprocess.run(["git", "var", "GIT_EDITOR"], capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout.strip():
        raise UsageError(
            "there is no editor for this terminal",
            code="no-editor",
            hint="name one: export EDITOR=nano; or change single fields: baton set ID FIELD=VALUE",
        )
    return done.stdout.strip()


def add_start(p: argparse.ArgumentParser) -> None:
    """``--from``."""
    p.add_argument(
        "--from",
        dest="start",
        metavar="FILE",
        help="begin with this text, kept by an edit that was not saved",
    )


def read_start(a: argparse.Namespace) -> bytes | None:
    """The text that ``--from`` names."""
    return None if a.start is None else read_bytes(a.start)[0]


def answer_edit(kind: str, written: Written, *, changed: bool) -> Answer:
    """What an edit by hand came to."""
    edited = written.edited
    text = [f"edited {written.task}"] if changed else ["nothing was changed"]
    if edited:
        text += describe_delivery(edited)
    fields = (
        {"task": {"id": written.task, "path": written.path}} if kind == "edit" else {"path": written.path}
    )
    return Answer(record(kind, **fields, **delivery_record(edited)), "\n".join(text))


def _configure_edit(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    add_start(p)
    add_delivery(p)


def _edit(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.editing import edit_task_text

    project = open_here()
    with Editor(f"baton edit {a.id}") as rewrite:
        written, changed = edit_task_text(project, a.id, rewrite, start=read_start(a), to=read_delivery(a))
    return answer_edit("edit", written, changed=changed)


COMMANDS = {
    "edit": Command(
        "Change a task's whole text in your editor ($GIT_EDITOR, core.editor, $VISUAL, $EDITOR), as one commit. A text that\n"
        "can't be saved is opened again, with what is wrong at its top. Nothing is saved if it is empty or unchanged.",
        _configure_edit, _edit, ("baton edit add-health", "baton edit last", "EDITOR=nano baton edit add-health"),
    ),
}  # fmt: skip
