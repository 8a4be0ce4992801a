"""The canonical text of a new YAML file: block style, two spaces, text quoted only where it must be"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from gitbaton.store.yamlscalar import literal_header, render_scalar

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

#: Longer text on one line is easier to read and to review in a block of its own.
_INLINE_MAX: Final = 100
#: A parser gives up on a key that is longer unless a question mark announces it,
#: https://yaml.org/spec/1.2.2/#742-flow-mappings (1024 characters with quotes and escapes).
_KEY_MAX: Final = 900


def render_yaml(
    value: Mapping[str, object], *, order: Sequence[str] = (), header: str = "", spaced: Collection[str] = ()
) -> str:
    """A whole file: the keys of ``order`` first, then the rest as they come.

    ``header`` holds comment lines for the top. The fields named in ``spaced`` stand between blank lines,
    so that edits of their neighbours merge. ``parse_yaml`` reads ``value`` back. Raises ``Refusal`` for
    text or numbers that no document can hold.
    """
    keys = [key for key in order if key in value]
    listed = set(keys)
    keys += [key for key in value if key not in listed]
    lines = header.rstrip("\n").split("\n") if header else []
    if not keys:
        lines.append("{}")
    for i, key in enumerate(keys):
        apart = i > 0 and (key in spaced or keys[i - 1] in spaced)
        # Text that keeps its last blank lines sets itself off; one more would become part of it.
        if apart and lines[-1] != "":
            lines.append("")
        lines += entry_lines(key, value[key], 0)
    return "\n".join(lines) + "\n"


def entry_lines(key: str, value: object, column: int, *, dash: int = 2, literal: bool = True) -> list[str]:
    """The lines of ``key: value`` in a block mapping at ``column``, without line breaks.

    ``dash`` is how far the items of lists are indented below their key (0 or more); without ``literal``
    text of several lines is written with escapes.
    """
    shown = render_scalar(key)
    pad = " " * column
    if len(shown) > _KEY_MAX:
        first, *rest = value_lines(f"{pad}:", value, column, dash=dash, literal=literal)
        return [f"{pad}? {shown}", first, *rest]
    return value_lines(f"{pad}{shown}:", value, column, dash=dash, literal=literal)


def item_lines(
    value: object, column: int, *, gap: str = " ", dash: int = 2, literal: bool = True
) -> list[str]:
    """The lines of ``- value`` in a block list whose dashes stand at ``column``; ``gap`` follows the dash."""
    prefix = f"{' ' * column}-"
    inner = column + 1 + len(gap)
    if isinstance(value, Mapping) and value:
        lines = [
            line for key in value for line in entry_lines(key, value[key], inner, dash=dash, literal=literal)
        ]
    elif isinstance(value, list) and value:
        lines = [line for item in value for line in item_lines(item, inner, dash=dash, literal=literal)]
    else:
        return value_lines(prefix, value, column, gap=gap, dash=dash, literal=literal)
    return [prefix + gap + lines[0][inner:], *lines[1:]]


def value_lines(
    prefix: str, value: object, column: int, *, gap: str = " ", dash: int = 2, literal: bool = True
) -> list[str]:
    """The lines of a value behind ``prefix`` (key and colon, or a dash) in a collection at ``column``."""
    if isinstance(value, Mapping) and value:
        lines = [
            line
            for key in value
            for line in entry_lines(key, value[key], column + 2, dash=dash, literal=literal)
        ]
        return [prefix, *lines]
    if isinstance(value, list) and value:
        lines = [
            line for item in value for line in item_lines(item, column + dash, dash=dash, literal=literal)
        ]
        return [prefix, *lines]
    if isinstance(value, str) and literal and ("\n" in value or len(value) > _INLINE_MAX):
        header = literal_header(value)
        if header is not None:
            return [f"{prefix}{gap}{header}", *literal_lines(value, column + 2)]
    return [prefix + gap + render_flow(value)]


def literal_lines(text: str, column: int) -> list[str]:
    """The lines of a literal block scalar; empty lines carry no indentation."""
    body = text.removesuffix("\n")
    return [" " * column + line if line else "" for line in body.split("\n")]


def render_flow(value: Any, *, style: str = "", flow: bool = False) -> str:
    """A value on one line: a scalar, or a collection as ``[…]`` or ``{…}``.

    ``style`` is the quoting that keys and text should have, ``flow`` says that the value stands inside
    another such collection.
    """
    if isinstance(value, Mapping):
        pairs = (render_pair(key, item, style=style) for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(render_flow(item, style=style, flow=True) for item in value) + "]"
    return render_scalar(value, style=style, flow=flow)


def render_pair(key: str, value: object, *, style: str = "") -> str:
    """``key: value`` inside ``{…}``."""
    shown = render_scalar(key, style=style, flow=True)
    mark = "? " if len(shown) > _KEY_MAX else ""
    return f"{mark}{shown}: {render_flow(value, style=style, flow=True)}"
