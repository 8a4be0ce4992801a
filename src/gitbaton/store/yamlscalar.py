"""One scalar of a YAML document: source text to value, value to source text

Read by JSON's rules alone, written so that readers of YAML 1.1 and 1.2 agree on what it says.
"""

from __future__ import annotations

import re
from typing import Final

from gitbaton.errors import Refusal

Scalar = str | int | float | bool | None

#: Longer whole numbers mean nothing here, and turning them into text is quadratic in Python.
_DIGITS_MAX: Final = 100
_WORDS: Final[dict[str, Scalar]] = {"": None, "~": None, "null": None, "true": True, "false": False}
QUOTES: Final = frozenset({"'", '"'})
#: The plain scalars that mean null, even where text is expected.
NULLS: Final = frozenset({"", "~", "null"})
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")

#: What may not stand in a document as itself, or is a line break to some readers and not to others.
_UNPRINTABLE: Final = re.compile(
    "[^\\t\\n\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)
_ESCAPED: Final = re.compile('[\x00-\x1f"\\\\\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]')
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
_STARTS_OTHERWISE: Final = frozenset("-?:,[]{}#&*!|>'\"%@`")
#: At the start of a line three dots or dashes end a document, and seven of four characters mark a conflict.
_NEEDS_QUOTES: Final = re.compile(r":(?: |$)| #|^(?:---|\.\.\.|<{7}|={7}|>{7})|[\t\n]")
_NEEDS_QUOTES_IN_FLOW: Final = re.compile(r"[,\[\]{}:?]")
#: Plain text that some reader takes for something else: the scalars of YAML 1.1 (octal, sexagesimal,
#: binary, underscores, dates, yes/no) and of the 1.2 core schema, http://yaml.org/type/ and
#: https://yaml.org/spec/1.2.2/#103-core-schema.
_READ_OTHERWISE: Final = re.compile(
    r"""(?xi)
      ~ | null | true | false | yes | no | on | off | y | n | = | <<
    | [-+]? (?: 0b[01_]+ | 0o?[0-7_]+ | 0x[0-9a-f_]+ )
    | [-+]? [0-9][0-9_,]* (?: :[0-9_]+ )* (?: \.[0-9_]* )? (?: e[-+]?[0-9]+ )?
    | [-+]? \.[0-9_]+ (?: e[-+]?[0-9]+ )?
    | [-+]? \.inf | \.nan
    | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} (?: [t\ ] .* )?
    """
)


class NumberTooLargeError(ValueError):
    """A number of JSON's form that no program can be trusted with."""


def parse_plain(source: str) -> Scalar:
    """The value of an unquoted scalar: JSON's null (also ``~`` and nothing at all), booleans and
    numbers; all else is text as it stands. Raises ``NumberTooLargeError``.
    """
    if source in _WORDS:
        return _WORDS[source]
    if source[0] not in "-0123456789":
        return source
    match = _NUMBER.fullmatch(source)
    if match is None:
        return source
    if match[1] is None and match[2] is None:
        if len(source) > _DIGITS_MAX:
            raise NumberTooLargeError(
                f"a whole number of {len(source)} digits; put it in quotes if it is text"
            )
        return int(source)
    number = float(source)
    if number in (float("inf"), float("-inf")):
        raise NumberTooLargeError(f"the number {source[:40]} is too large; put it in quotes if it is text")
    return number


def render_scalar(value: Scalar, *, style: str = "", flow: bool = False) -> str:
    """``value`` on one line of YAML.

    ``style`` is the quoting to use if it carries the text: ``"'"``, ``'"'`` or, by default, none.
    ``flow``: inside ``[…]`` or ``{…}``. Raises ``Refusal`` (code ``not-storable``) for what a document
    cannot hold: NUL, halves of surrogate pairs, infinite numbers.
    """
    if isinstance(value, str):
        return _render_text(value, style, flow=flow)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - nan is unequal to itself
        raise Refusal(f"{value} is no number that a document can hold", code="not-storable")
    text = repr(float(value))
    # YAML 1.1 knows a float by its point: 1e+16 would be text there.
    return text if "." in text else text.replace("e", ".0e")


def _render_text(text: str, style: str, *, flow: bool) -> str:
    check_storable(text)
    if style != '"' and not _UNPRINTABLE.search(text) and "\n" not in text and "\t" not in text:
        if style == "" and can_be_plain(text, flow=flow):
            return text
        # Without a preference: the form that needs no escapes.
        if style == "'" or '"' in text or "\\" in text:
            return "'" + text.replace("'", "''") + "'"
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}"  # JSON knows no shorter escape


def check_storable(text: str) -> None:
    """Raises ``Refusal`` if no YAML document can hold this text."""
    if "\0" in text:
        raise Refusal("a document cannot hold text with a NUL character", code="not-storable")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Refusal("a document cannot hold half of a surrogate pair", code="not-storable") from None


def can_be_plain(text: str, *, flow: bool = False) -> bool:
    """Whether every reader takes ``text`` without quotes for just this text."""
    return not (
        not text
        or text[0] in _STARTS_OTHERWISE
        or text != text.strip()
        or _NEEDS_QUOTES.search(text)
        or (flow and _NEEDS_QUOTES_IN_FLOW.search(text))
        or _UNPRINTABLE.search(text)
        or _READ_OTHERWISE.fullmatch(text)
    )


def literal_header(text: str, *, indent: int = 2) -> str | None:
    """How a literal block scalar that holds ``text`` begins (``|``, ``|-``, ``|2+`` …), or None if none
    holds it exactly. ``indent`` is how far its lines are indented below their parent.
    """
    if not text.strip() or _UNPRINTABLE.search(text):
        return None
    lead = text.lstrip("\n")
    needs_indent = lead[0] in " \t"
    chomp = "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") else ""
    return f"|{indent if needs_indent else ''}{chomp}"
