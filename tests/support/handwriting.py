"""Writes YAML the way a person may have typed it

The same data comes in every layout: quoting, flow and block collections, comments, blank lines, line
endings, indentation. Value and place of every field are known without the code under test.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable


class HandWritten(NamedTuple):
    """A file as somebody may have typed it. ``spans``: the bytes from the line of a field's key to the
    end of its last line; empty where the whole file is one ``{…}``.
    """

    data: bytes
    value: dict[str, Any]
    spans: dict[str, tuple[int, int]]


class Hand:
    """Somebody who types YAML, with whims."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self._block_scalar_last = False

    def _pick(self, *options: Any) -> Any:
        return self._draw(st.sampled_from(options))

    def _seldom(self) -> bool:
        return bool(self._pick(0, 0, 0, 0, 1))

    def write(self, value: dict[str, Any]) -> HandWritten:
        ending = self._pick("\n", "\n", "\r\n", "mixed")
        column = self._pick(0, 0, 0, 0, 2)
        lines: list[str] = []
        lines += self._pick(
            [], [], ["# yaml-language-server: $schema=x.json"], ["# header", ""], ["%YAML 1.1"]
        )
        if "%YAML 1.1" in lines or self._seldom():
            lines.append("---")
        ranges: dict[str, tuple[int, int]] = {}
        if not value or self._pick(*[0] * 9, 1):
            lines += self._flow_lines(value, column)
        else:
            for name, item in value.items():
                lines += self._filler(column)
                before = len(lines)
                lines += self._entry(name, item, column)
                ranges[name] = (before, len(lines))
        lines += self._tail()
        finished = self._block_scalar_last or not self._seldom()
        endings = [self._pick("\n", "\r\n") if ending == "mixed" else ending for _ in lines]
        if not finished:
            endings[-1] = ""
        bom = codecs.BOM_UTF8 if self._seldom() else b""
        starts = [len(bom)]
        for line, line_ending in zip(lines, endings, strict=True):
            starts.append(starts[-1] + len((line + line_ending).encode()))
        data = bom + "".join(line + end for line, end in zip(lines, endings, strict=True)).encode()
        return HandWritten(data, value, {name: (starts[a], starts[b]) for name, (a, b) in ranges.items()})

    def _filler(self, column: int) -> list[str]:
        """Lines between two entries."""
        pad = " " * column
        if self._block_scalar_last:
            return list(self._pick([], [f"{pad}# after the text"]))
        return list(
            self._pick(
                [], [], [], [""], ["", ""], [f"{pad}# about it"], ["", f"{pad}# about it", f"{pad}#"], ["# é"]
            )
        )

    def _tail(self) -> list[str]:
        if self._block_scalar_last:
            return list(self._pick([], ["# the end"], ["..."]))
        return list(
            self._pick([], [], [], ["# the end"], ["", "# the end"], ["..."], [""], ["", "# a", "", "# b"])
        )

    def _comment(self) -> str:
        return str(self._pick("", "", "", " # c", '   # it\'s: [a] "comment"'))

    def _entry(self, name: str, value: Any, column: int) -> list[str]:
        key = self._key(name) + self._pick("", "", "", " ")
        return self._value(f"{' ' * column}{key}:", value, column, dash=self._pick(0, 2, 2, 4))

    def _key(self, name: str) -> str:
        if _is_simple(name) and not self._seldom():
            return name
        return self._quoted(name)

    def _item(self, value: Any, column: int) -> list[str]:
        pad = " " * column
        gap = self._pick(" ", " ", "   ")
        inner = column + 1 + len(gap)
        if value and isinstance(value, list | dict) and self._pick(True, False):
            lines: list[str] = []
            if isinstance(value, dict):
                for i, (name, item) in enumerate(value.items()):
                    lines += self._filler(inner) if i else []
                    lines += self._entry(name, item, inner)
            else:
                for item in value:
                    lines += self._item(item, inner)
            return [f"{pad}-{gap}{lines[0][inner:]}", *lines[1:]]
        return self._value(f"{pad}-", value, column, dash=2)

    def _value(self, prefix: str, value: Any, column: int, *, dash: int) -> list[str]:
        """The value behind a key or dash."""
        self._block_scalar_last = False
        gap = self._pick(" ", " ", " ", "    ")
        if value and isinstance(value, list | dict):
            if self._pick(0, 0, 1):
                first, *rest = self._flow_lines(value, column + 1)
                return [f"{prefix}{gap}{first.lstrip()}", *rest]
            lines = [prefix + self._comment()]
            if self._seldom():
                lines.append(" " * (column + 6) + "# deep")
            below = column + self._pick(1, 2, 2, 3)
            for i, item in enumerate(value):
                lines += self._filler(below if isinstance(value, dict) else column + dash) if i else []
                lines += (
                    self._entry(item, value[item], below)
                    if isinstance(value, dict)
                    else self._item(item, column + dash)
                )
            return lines
        if isinstance(value, str):
            return self._text(prefix, gap, value, column)
        shown = self._pick("null", "~", "") if value is None else self._scalar(value)
        return [f"{prefix}{gap}{shown}".rstrip(" ") + self._comment()]

    def _scalar(self, value: Any) -> str:
        if value is None:
            return str(self._pick("null", "~"))
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return self._quoted(value)
        if isinstance(value, list | dict):
            return {"[]": str(self._pick("[]", "[ ]")), "{}": str(self._pick("{}", "{ }"))}[str(value)]
        return repr(value)

    def _text(self, prefix: str, gap: str, value: str, column: int) -> list[str]:
        forms = ["quoted"]
        if _is_simple(value):
            forms += ["plain"] * 4
            forms += ["split"] if " " in value else []
        if _is_literal(value):
            forms += ["literal"] * 3
            forms += ["folded"] if "\n" not in value.rstrip("\n") and not value.endswith("\n\n") else []
        form = self._pick(*forms)
        if form == "plain":
            return [f"{prefix}{gap}{value}{self._comment()}"]
        if form == "split":
            first, rest = value.split(" ", 1)
            return [f"{prefix}{gap}{first}", f"{' ' * (column + 3)}{rest}{self._comment()}"]
        if form == "quoted":
            return [f"{prefix}{gap}{self._quoted(value)}{self._comment()}"]
        indent = self._pick(1, 2, 2, 4)
        indicator = str(indent) if value.lstrip("\n")[0] == " " or self._seldom() else ""
        chomp = "-" if not value.endswith("\n") else "+" if value.endswith("\n\n") or self._seldom() else ""
        body = value.removesuffix("\n")
        lines = [" " * (column + indent) + line if line else "" for line in body.split("\n")]
        self._block_scalar_last = True
        return [
            f"{prefix}{gap}{'|' if form == 'literal' else '>'}{indicator}{chomp}{self._comment()}",
            *lines,
        ]

    def _quoted(self, value: str) -> str:
        if re.fullmatch(r"[ -~é日本😀]*", value) and self._pick(True, False):
            return "'" + value.replace("'", "''") + "'"
        plain = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
        return (
            '"'
            + "".join(
                plain.get(char, char if char in "é日本😀" or " " <= char <= "~" else _escape(char))
                for char in value
            )
            + '"'
        )

    def _flow_lines(self, value: Any, column: int) -> list[str]:
        """A collection in brackets, on one line or with a line for each child."""
        pad = " " * column
        shown = (
            [self._flow_pair(name, value[name]) for name in value]
            if isinstance(value, dict)
            else [self._flow(item) for item in value]
        )
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        form = self._pick("tight", "loose", "lines", "lines,", "lines]") if shown else "tight"
        if form in ("tight", "loose"):
            joined = self._pick(", ", ", ", ",  ").join(shown) + (self._pick("", "", ",") if shown else "")
            space = " " if form == "loose" else ""
            return [f"{pad}{opening}{space}{joined}{space}{closing}{self._comment()}"]
        lines = [f"{pad}{opening}{self._comment()}"]
        for i, one in enumerate(shown):
            lines += self._pick([], [], [], [f"{pad}  # child"])
            last = i == len(shown) - 1
            comma = "," if not last or form == "lines," else ""
            lines.append(f"{pad}  {one}{comma}{'' if last and form == 'lines]' else self._comment()}")
        if form == "lines]":
            lines[-1] += f" {closing}{self._comment()}"
        else:
            lines.append(f"{pad}{closing}{self._comment()}")
        return lines

    def _flow_pair(self, name: str, value: Any) -> str:
        return f"{self._key(name)}: {self._flow(value)}"

    def _flow(self, value: Any) -> str:
        if isinstance(value, dict) and value:
            return "{" + ", ".join(self._flow_pair(name, value[name]) for name in value) + "}"
        if isinstance(value, list) and value:
            return "[" + ", ".join(self._flow(item) for item in value) + "]"
        if isinstance(value, str) and _is_simple(value) and self._pick(True, True, False):
            return value
        return self._scalar(value)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_simple(value: str) -> bool:
    """Text that needs no quotes anywhere, by a rule that is narrower than YAML's."""
    if value in ("<<", "=", "no", "Yes", "012", "1_000", "2001-01-01", "0x1F"):
        return True
    return re.fullmatch(
        r"[a-zé日(][\w()'./é日本😀-]*( [\w()'./é日本😀-]+)*", value
    ) is not None and value not in ("null", "true", "false")


def _is_literal(value: str) -> bool:
    """Text that a block scalar can hold; first line not indented by a tab."""
    return (
        re.fullmatch(r"[ -~é日本😀\n]*", value) is not None
        and value.strip() != ""
        and not re.search(r"(?m)^ +$", value)
    )
