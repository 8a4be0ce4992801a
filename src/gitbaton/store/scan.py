"""A quick reading of task files in our own form.

A file that ``documents.render_document`` could have written needs no YAML reader: its lines say what they mean.
The pattern below takes only such files, field by field in the schema's order, and only values that are valid
and that every reader of YAML takes alike. Whatever it doesn't know (comments, nested fields, escapes, numbers,
odd letters) it leaves to the real reader. Accepted means: the real reader gives the very same row.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, get_args

from gitbaton.domain.board import BrokenRow, TaskRow
from gitbaton.domain.choices import PRIORITIES, Complexity, Status, Type
from gitbaton.errors import Problem

if TYPE_CHECKING:
    from gitbaton.store.layout import Place

Row = TaskRow | BrokenRow
#: (code, message) about what is no plain file.
LINK: Final = ("not-a-file", "a document is a plain file, not a link")

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
_BLOCK = rf"\|[-+]?\n  [!-~{_LETTER}][ -~{_LETTER}]*\n(?:  [ -~{_LETTER}]+\n|\n)*"


def _compile(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode(), re.MULTILINE)


def _lines(*names: str) -> str:
    """One line for each field."""
    return "".join(rf"(?:{name}: (?P<{name}>[^\n]+)\n+)?" for name in names)


def _lists(*names: str) -> str:
    """A line for the field, and one for each item."""
    return "".join(rf"(?:{name}:(?P<{name}>(?:\n  - [^\n]+)+)\n+)?" for name in names)


#: The layout of a file. What stands in a field is looked at on its own, because one large pattern takes long to make.
_FILE: Final = _compile(
    r"(?:# yaml-language-server: [!-~]*\n)?(?:version: 1\n+)?title: (?P<title>[^\n]+)\n+"
    + _lines("status", "type", "priority", "role")
    + rf"(?:description: (?:{_BLOCK}|(?P<description>[^|\n][^\n]*)\n+))?"
    + _lists("acceptance", "depends_on")
    + _lines("parent", "plan", "milestone")
    + _lists("paths", "labels")
    + _lines("assignee", "complexity", "estimate")
    + _lists("context")
    + _lines("hold", "service", "created")
)
_ONE: Final = _compile(rf"{_PLAIN}|{_QUOTED}")
_MANY: Final = _compile(rf"(?:\n  - (?:{_PLAIN}|{_QUOTED})$)+")
_ID: Final = _compile(r"(?!(?:null|true|false)$)[a-z][a-z0-9._-]{0,63}")
_WORDS: Final = {
    "status": frozenset(get_args(Status)), "type": frozenset(get_args(Type)), "priority": frozenset(PRIORITIES),
    "complexity": frozenset(get_args(Complexity)),
}  # fmt: skip


def scan_task(data: bytes, path: str, task: str) -> TaskRow | None:
    """The board's row of a task file in our own form; None for every other."""
    if len(data) > _SIZE_MAX or (found := _FILE.fullmatch(data)) is None:
        return None
    try:
        if not data.isascii() and _ODD.search(data.decode()):
            return None
    except UnicodeDecodeError:
        return None
    said = {
        name: value.decode() for name, value in found.groupdict().items() if value and _is_sound(name, value)
    }
    if len(said) < len(found.groups()) - found.groups().count(None) or len(said["title"]) > _TITLE_MAX:
        return None
    get = said.get
    return TaskRow(
        task, path, _value(said["title"]) or "", get("status", "todo"), get("type", "task"), get("priority", "medium"),
        _value(get("role")), _items(get("depends_on")), get("parent"), get("plan"), _value(get("milestone")), _items(get("paths")),
        _items(get("labels")), _value(get("assignee")), get("complexity"), _value(get("service")), _value(get("hold")),
        _value(get("created")),
    )  # fmt: skip


def _is_sound(name: str, value: bytes) -> bool:
    """Whether a field says something valid that every reader takes alike."""
    if name in _WORDS:
        return value.decode("ascii", "replace") in _WORDS[name]
    if name in ("parent", "plan"):
        return _ID.fullmatch(value) is not None
    if value[0] != 10:  # no line break: not a list
        return _ONE.fullmatch(value) is not None
    if name == "depends_on":
        return all(_ID.fullmatch(item[4:]) for item in value[1:].split(b"\n"))
    return _MANY.fullmatch(value) is not None


def _value(source: str | None) -> str | None:
    return source[1:-1] if source and source[0] in "\"'" else source


def _items(source: str | None) -> tuple[str, ...]:
    """The items of a list, each on a line of its own behind four characters."""
    return tuple([_value(line[4:]) or "" for line in source[1:].split("\n")]) if source else ()


# -- rows: made, kept, made again ---------------------------------------------------------------------------


def parse_row(path: str, place: Place, text: bytes) -> Row:
    """The row of a file's text."""
    row = None if place.complaint else scan_task(text, path, place.id)
    if row is None:
        from gitbaton.store.documents import read_task

        return read_task(text, path, place)
    return row


def judge_file(path: str, place: Place, complaint: tuple[str, str] | None) -> BrokenRow | None:
    """The row of a file whose text doesn't matter."""
    return BrokenRow(place.id, path, (Problem(path, 1, 1, "", *complaint),)) if complaint else None


def reduce_row(row: Row) -> Any:
    """What the text alone says; of a file that can't be read also where it stands, because its problems say so."""
    return (
        row[2:-1] if isinstance(row, TaskRow) else (row.path, [tuple(p) for p in row.problems], row.parents)
    )


def revive_row(kept: Any, path: str, task: str) -> Row | None:
    """The row that ``reduce_row`` was given; None for nothing, and where it stands somewhere else."""
    if kept is None:
        return None
    if isinstance(kept[1], list):
        if kept[0] != path:
            return None
        return BrokenRow(task, path, tuple(Problem(*p) for p in kept[1]), parents=tuple(kept[2]))
    return TaskRow(task, path, *kept)
