"""A quick reading of task files in our own form.

A file that ``documents.render_document`` could have written needs no YAML reader: its lines say what they mean.
The pattern below takes only such files, field by field in the schema's order, and only values that are valid
and that every reader of YAML takes alike. Whatever it doesn't know (comments, nested fields, escapes, numbers,
odd letters) it leaves to the real reader. Accepted means: the real reader gives the very same row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gitbaton.domain.board import BrokenRow, TaskRow
from gitbaton.errors import Problem

if TYPE_CHECKING:
    from gitbaton.store.layout import Place

Row = TaskRow | BrokenRow

#: Longer files are left to the reader, which knows the limits.
_SIZE_MAX: Final = 100_000
_TITLE_MAX: Final = 200
#: Bytes of letters beyond ASCII, and the letters that some reader may take for a line break, a blank or a mark.
_LETTER = r"\x80-\xff"
_ODD: Final = re.compile("[^\n -~\u00a1-\u167f\u3001-\ud7ff]")
#: Text without quotes: begins with a letter, has no ``#`` and no ``: ``, and doesn't end in a blank or colon.
_RUN = rf"[ !\"$-9;-~{_LETTER}]*"
_PLAIN = rf"(?!(?:null|true|false)$)[A-Za-z{_LETTER}]{_RUN}(?::(?=[!-~{_LETTER}]){_RUN})*(?<! )"
_QUOTED = rf"\"[!#-\[\]-~{_LETTER}][ !#-\[\]-~{_LETTER}]*\"|'[!-&(-~{_LETTER}][ -&(-~{_LETTER}]*'"
_TEXT = rf"(?:{_PLAIN}|{_QUOTED})"
_ID = r"(?!(?:null|true|false)$)[a-z][a-z0-9._-]{0,63}"
_BLOCK = rf"\|[-+]?\n  [!-~{_LETTER}][ -~{_LETTER}]*\n(?:  [ -~{_LETTER}]+\n|\n)*"


def _line(name: str, value: str) -> str:
    return rf"(?:{name}: (?P<{name}>{value})\n+)?"


def _list(name: str, item: str) -> str:
    return rf"(?:{name}:(?P<{name}>(?:\n  - {item}$)+)\n+)?"


_FILE: Final = re.compile(
    "".join(
        (
            r"(?:# yaml-language-server: [!-~]*\n)?(?:version: 1\n+)?",
            rf"title: (?P<title>{_TEXT})\n+",
            _line("status", "draft|todo|done|cancelled"),
            _line("type", "epic|story|task|subtask|todo|bug|chore|docs|spike|review"),
            _line("priority", "critical|high|medium|low"),
            _line("role", _TEXT),
            rf"(?:description: (?:{_BLOCK}|{_TEXT}\n+))?",
            _list("acceptance", _TEXT),
            _list("depends_on", _ID),
            _line("parent", _ID),
            _line("plan", _ID),
            _line("milestone", _TEXT),
            _list("paths", _TEXT),
            _list("labels", _TEXT),
            _line("assignee", _TEXT),
            _line("complexity", "simple|medium|complex|critical"),
            _line("estimate", _TEXT),
            _list("context", _TEXT),
            _line("hold", _TEXT),
            _line("service", _TEXT),
            _line("created", _TEXT),
        )
    ).encode(),
    re.MULTILINE,
)


def scan_task(data: bytes, path: str, task: str) -> TaskRow | None:
    """The board's row of a task file in our own form; None for every other."""
    if len(data) > _SIZE_MAX or (found := _FILE.fullmatch(data)) is None:
        return None
    try:
        if not data.isascii() and _ODD.search(data.decode()):
            return None
    except UnicodeDecodeError:
        return None
    said: list[str | None] = [value.decode() if value else None for value in found.groups()]
    (title, status, type_, priority, role, _, needs, parent, plan, milestone, paths, labels, assignee, complexity, _, _, hold, service,
     created) = said  # fmt: skip
    title = _value(title)
    if title is None or len(title) > _TITLE_MAX:
        return None
    return TaskRow(
        task, path, title, status or "todo", type_ or "task", priority or "medium", _value(role), _items(needs), parent, plan,
        _value(milestone), _items(paths), _items(labels), _value(assignee), complexity, _value(service), _value(hold), _value(created),
    )  # fmt: skip


def _value(source: str | None) -> str | None:
    return source[1:-1] if source and source[0] in "\"'" else source


def _items(source: str | None) -> tuple[str, ...]:
    """The items of a list, each on a line of its own behind four characters."""
    return tuple([_value(line[4:]) or "" for line in source[1:].split("\n")]) if source else ()


# -- rows: made, kept, made again ---------------------------------------------------------------------------


def parse_row(path: str, place: Place, text: bytes) -> Row:
    """The row of a file's text."""
    row = scan_task(text, path, place.id)
    if row is None:
        from gitbaton.store.documents import read_task

        return read_task(text, path, place)
    return row


def judge_file(path: str, place: Place, complaint: tuple[str, str] | None) -> BrokenRow | None:
    """The row of a file whose text doesn't matter."""
    if complaint:
        return BrokenRow(place.id, path, (Problem(path, 1, 1, "", *complaint),))
    if place.complaint:
        return BrokenRow(place.id, path, (Problem(path, 1, 1, "", "bad-file-name", place.complaint),))
    return None


def reduce_row(row: Row) -> Any:
    """What the text alone says; of a file that can't be read also where it stands, because its problems say so."""
    return row[2:-1] if isinstance(row, TaskRow) else (row.path, [tuple(p) for p in row.problems])


def revive_row(kept: Any, path: str, task: str) -> Row | None:
    """The row that ``reduce_row`` was given; None for nothing, and where it stands somewhere else."""
    if kept is None:
        return None
    if isinstance(kept[1], list):
        return BrokenRow(task, path, tuple(Problem(*p) for p in kept[1])) if kept[0] == path else None
    return TaskRow(task, path, *kept)
