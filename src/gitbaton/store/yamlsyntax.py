"""What is wrong with a text that is no readable YAML, said so that a person can mend it"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Final

from gitbaton.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import yaml

#: More problems of one file than this help nobody.
PROBLEMS_MAX: Final = 100
_SHOWN_MAX: Final = 100
_LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")
#: The marker lines of a merge; ``=======`` alone may underline a heading, so it counts beside one of these.
_CONFLICT: Final = re.compile(r"^(?:<{7}|>{7}|\|{7})(?: .*)?$", re.MULTILINE)
_DIVIDER: Final = re.compile(r"^={7}\r?$", re.MULTILINE)
_TOP_KEY: Final = re.compile(r"^[\"']?([A-Za-z_][\w.-]*)[\"']?[ ]*:(?:\s|$)", re.MULTILINE)
_TAG_DIRECTIVE: Final = re.compile(r"^%TAG\b", re.MULTILINE)
_INNER_MARK: Final = re.compile(r"(?<![^\r\n\x85\u2028\u2029])[ \t]*\ufeff")
#: Line breaks in YAML 1.1, though hardly any editor shows them as such, https://yaml.org/spec/1.1/#b-char
_SEPARATOR: Final = re.compile("[\\x85\\u2028\\u2029]")
#: Everything outside YAML's printable set, https://yaml.org/spec/1.1/#c-printable
_FORBIDDEN: Final = re.compile(
    "[^\\t\\n\\r\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]"
)

#: What libyaml and PyYAML say (a part of it) and what it means to the person. First match wins.
_WORDING: Final = (
    ("quoted scalar", "found unexpected end", "the quote that opens here is never closed"),
    ("quoted scalar", "document indicator", "the quote that opens here is never closed"),
    ("quoted scalar", "unknown escape", "no such escape in double quotes; single quotes know none"),
    ("quoted scalar", "", "this escape in double quotes is not complete"),
    ("", "number out of range", "no character, and no version of YAML, has this number"),
    ("flow sequence", "", "the [ that opens here is not closed, or a comma is missing in it"),
    ("flow mapping", "", "the { that opens here is not closed, or a comma is missing in it"),
    (
        "",
        "mapping values are not allowed",
        "text with a colon and a space needs quotes; a key, less indentation",
    ),
    (
        "",
        "could not find expected ':'",
        "no 'key: value', and indented too little to belong to the value above",
    ),
    ("", "did not find expected key", "indented neither like its neighbours nor below them"),
    ("", "expected <block end>", "indented neither like its neighbours nor below them"),
    ("", "expected '-' indicator", "indented neither like the list's items nor below them"),
    ("", "sequence entries are not allowed", "a list's first item stands on a line of its own below its key"),
    ("", "document start>", "indented less than the lines above, or behind the end of the document"),
    ("", "cannot start any token", "text that begins with this character needs quotes"),
    ("block scalar", "", "behind | or > nothing may stand but a digit, + or - and a comment"),
    ("directive", "", "a line that begins with % is a directive; text that begins with it needs quotes"),
    ("anchor", "", "text that begins with & needs quotes"),
    ("alias", "", "text that begins with * needs quotes"),
    ("tag", "", "text that begins with ! needs quotes"),
    ("", "node content", "a value is missing here, or text that begins with this character needs quotes"),
)
_LAST_ITEM: Final = re.compile(r"\[[0-9]+\]$")
#: For these the place where the construct opens says more than the place where the parser gave up.
_SHOWN_AT_START: Final = ("flow sequence", "flow mapping", "simple key")


def field_name(field: Sequence[str | int]) -> str:
    """A path into a document as people write it: ``("depends_on", 0)`` is ``depends_on[0]``."""
    name = ""
    for part in field:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            shown = part if part.isprintable() else json.dumps(part)
            name += f".{shown}" if name else shown
    return shorten(name)


def shorten(text: str) -> str:
    """Text from a file as far as it fits into a message."""
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"


def find_place(text: str, index: int) -> tuple[int, int]:
    """Line and column, both from 1, of the character ``index``; columns count characters."""
    line, start = 1, 0
    for line_break in _LINE_BREAK.finditer(text, 0, index):
        line, start = line + 1, line_break.end()
    return line, index - start + 1


def decode(data: bytes, path: str) -> str | Problem:
    """The text of a file without its byte order mark, or what is wrong with its bytes."""
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        line, column = find_place(before, len(before))
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            said = "the file is UTF-16; save it as UTF-8"
        else:
            said = f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
        return Problem(path, line, column, _field_above(before, len(before)), "encoding", said)


def find_conflicts(text: str, path: str) -> list[Problem]:
    """The beginnings of unfinished merges (or their other marker lines, where only those are left)."""
    if "<<<<<<<" not in text and ">>>>>>>" not in text and "|||||||" not in text:
        return []
    markers = list(_CONFLICT.finditer(text))
    shown = [marker for marker in markers if marker[0].startswith("<")] or markers
    return [_conflict(text, path, marker.start()) for marker in shown[:PROBLEMS_MAX]]


def find_forbidden(text: str, path: str) -> Iterator[Problem]:
    """The first forbidden character of each line that has some."""
    found = _FORBIDDEN.search(text)
    while found:
        line, column = find_place(text, found.start())
        said = f"the character U+{ord(found[0]):04X} cannot stand in a YAML file"
        yield Problem(path, line, column, _field_above(text, found.start()), "control-character", said)
        line_break = _LINE_BREAK.search(text, found.end())
        found = _FORBIDDEN.search(text, line_break.end()) if line_break else None


def find_inner_mark(text: str, path: str) -> list[Problem]:
    """A byte order mark at the start of a line (of files that were joined): some parsers skip it, some
    read it as text.
    """
    found = _INNER_MARK.search(text) if "\ufeff" in text else None
    if found is None:
        return []
    line, column = find_place(text, found.end() - 1)
    said = "an invisible byte order mark (U+FEFF) begins this line; remove it"
    return [Problem(path, line, column, _field_above(text, found.start()), "control-character", said)]


def find_directives(text: str, path: str) -> list[Problem]:
    """Lines above the document that define tags. The parser compares each with all before it, so many of
    them would take long; nobody needs one where tags are refused.
    """
    found = _TAG_DIRECTIVE.search(text)
    if found is None or any(
        line.strip() and line[0] not in "#%" for line in text[: found.start()].splitlines()
    ):
        return []
    line, column = find_place(text, found.start())
    return [Problem(path, line, column, "", "tag", "tags are not read here; leave the %TAG line out")]


def explain(error: yaml.MarkedYAMLError, text: str, path: str, field: str) -> Problem:
    """A problem for what the parser could not read in the field ``field``."""
    context, said = error.context or "", error.problem or ""
    mark = error.problem_mark or error.context_mark
    index = min(mark.index, len(text)) if mark is not None else 0
    divider = _DIVIDER.search(text)
    if divider is not None and abs(find_place(text, divider.start())[0] - find_place(text, index)[0]) <= 1:
        return _conflict(text, path, divider.start())
    tab = _indenting_tab(text, index, said)
    if tab is not None:
        line, column = find_place(text, tab)
        return Problem(
            path,
            line,
            column,
            field or _field_above(text, tab),
            "tab",
            "a tab cannot indent YAML; use spaces",
        )
    wording = f"{context}: {said}" if context else said
    for in_context, in_problem, meaning in _WORDING:
        if in_context in context and in_problem in said:
            wording = meaning
            break
    shown_at_start = any(part in context for part in _SHOWN_AT_START) or "never closed" in wording
    if shown_at_start and error.context_mark is not None:
        index = min(error.context_mark.index, len(text))
        field = _LAST_ITEM.sub("", field)
    separator = _SEPARATOR.search(text, _line_start(text, index), index + 1)
    if separator:
        wording += f"; U+{ord(separator[0]):04X} on this line counts as a line break, remove it"
    line, column = find_place(text, index)
    return Problem(path, line, column, field or _field_above(text, index), "syntax", wording)


def _conflict(text: str, path: str, index: int) -> Problem:
    line, column = find_place(text, index)
    said = "conflict markers of an unfinished merge; choose one side and remove the marker lines"
    # What is in conflict begins below the marker that opens it.
    first = text.find("\n", index) + 1 if text[index] == "<" else index
    return Problem(path, line, column, _field_above(text, first or index), "conflict-markers", said)


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _indenting_tab(text: str, index: int, said: str) -> int | None:
    """Where a tab stands in the indentation of the line that the parser stumbled over."""
    if text[index : index + 1] == "\t":
        return index
    start = _line_start(text, index)
    indentation = re.compile(r"[ \t]*").match(text, start)
    tab = text.find("\t", start, indentation.end() if indentation else start)
    if tab >= 0:
        return tab
    return index if "tab character" in said else None


def _field_above(text: str, index: int) -> str:
    """The top-level key at or above a place in a text that could not be parsed; empty if there is none."""
    end = _LINE_BREAK.search(text, index)
    keys = _TOP_KEY.findall(text[: end.start() if end else len(text)])
    return shorten(keys[-1]) if keys else ""
