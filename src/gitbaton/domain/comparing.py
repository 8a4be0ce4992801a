"""What differs between two versions of a document, field by field and in words. Pure."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.wording import shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: What a file that leaves a field out means by it.
DEFAULTS: dict[str, dict[str, Any]] = {
    "task": {"status": "todo", "priority": "medium", "type": "task"},
    "plan": {"status": "active"},
}
_LINE_MAX, _ITEMS_SHOWN = 60, 6


class FieldChange(NamedTuple):
    """One field (``run.timeout``) that is not as it was; None: it is not there. ``words`` say it to people."""

    field: str
    before: Any
    after: Any
    words: tuple[str, ...]


def compare_values(
    old: Mapping[str, Any], new: Mapping[str, Any], kind: str = "", *, at: str = ""
) -> list[FieldChange]:
    """The changes from ``old`` to ``new``, in the order in which ``new`` has them; objects in them are gone into. Applied to
    ``old`` in any order they give ``new``. A default that is written out is no change.
    """
    defaults = DEFAULTS.get(kind, {}) if not at else {}
    found: list[FieldChange] = []
    for name in dict.fromkeys([*new, *old]):
        field = f"{at}{name}"
        before, after = old.get(name, defaults.get(name)), new.get(name, defaults.get(name))
        if name == "acceptance" and not at:
            before, after = _level_criteria(before), _level_criteria(after)
        if _same(before, after):
            continue
        if _are(dict, before, after):
            # An empty object is as good as none.
            found += compare_values(before or {}, after or {}, kind, at=f"{field}.")
            continue
        found.append(FieldChange(field, before, after, tuple(_describe(field, before, after))))
    return found


def _are(kind: type, *values: object) -> bool:
    """Whether those of the values that are there are of one kind."""
    return all(value is None or isinstance(value, kind) for value in values)


def _same(one: object, other: object) -> bool:
    """Equality as JSON has it: 1 is not true."""
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def _level_criteria(value: Any) -> Any:
    """A criterion that is only text is short for one that isn't checked."""
    if not isinstance(value, list):
        return value
    return [{"text": c, "checked": False} if isinstance(c, str) else {"checked": False, **c} if isinstance(c, dict) else c for c in value]  # fmt: skip


def _describe(field: str, before: Any, after: Any) -> list[str]:
    if _are(list, before, after):
        return _describe_items(field, before or [], after or [])
    if _is_long(before) or _is_long(after):
        return [f"{field}{_describe_lines(before, after)}"]
    if before is None:
        return [f"{field} set to {_show(after)}"]
    if after is None:
        return [f"{field} removed (was {_show(before)})"]
    return [f"{field} {_show(before)} → {_show(after)}"]


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and ("\n" in value.strip() or len(value) > _LINE_MAX)


def _describe_lines(before: Any, after: Any) -> str:
    old, new = (value.splitlines() if isinstance(value, str) else [] for value in (before, after))
    if before is None or after is None:
        count = len(new or old)
        return f" {'added' if before is None else 'removed'} ({count} line{'s' if count != 1 else ''})"
    changed = added = removed = 0
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            both = min(b - a, d - c)
            changed, removed, added = changed + both, removed + b - a - both, added + d - c - both
    parts = [(changed, "changed"), (added, "added"), (removed, "removed")]
    words = [f"{n} line{'s' if n != 1 else ''} {what}" for n, what in parts if n]
    return ": " + (", ".join(words) or "the ends of lines changed")


def _describe_items(field: str, before: Sequence[Any], after: Sequence[Any]) -> list[str]:
    """Lists: what came and went, and what became of items that have a name."""
    names = [(_name(item), item) for item in before], [(_name(item), item) for item in after]
    old, new = (dict(pairs) for pairs in names)
    gone = [name for name, _ in names[0] if name not in new]
    come = [name for name, _ in names[1] if name not in old]
    words = []
    if come or gone:
        signs = [
            *(f"+ {_show(n)}" for n in come[:_ITEMS_SHOWN]),
            *(f"− {_show(n)}" for n in gone[:_ITEMS_SHOWN]),
        ]
        left = max(0, len(come) - _ITEMS_SHOWN) + max(0, len(gone) - _ITEMS_SHOWN)
        words.append(f"{field} {' '.join(signs)}" + (f" and {left} more" if left else ""))
    for name in old:
        if name in new and not _same(old[name], new[name]):
            words += _describe_item(field, name, old[name], new[name])
    return words or [f"{field}: another order"]


def _describe_item(field: str, name: str, before: Any, after: Any) -> list[str]:
    if field == "acceptance" and isinstance(after, dict):
        return [f"acceptance {'met' if after.get('checked') else 'no longer met'}: {_show(name)}"]
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [f"{field} {_show(before)} → {_show(after)}"]
    inner = compare_values(before, after, at=f"{field}[{shorten_to_line(name, 30)}].")
    return [words for change in inner for words in change.words]


def _name(item: Any) -> str:
    """What an item of a list is known by."""
    if isinstance(item, dict):
        known = next((item[key] for key in ("name", "text", "id") if key in item), None)
        return str(known) if known is not None else json.dumps(item, sort_keys=True, default=str)
    return item if isinstance(item, str) else json.dumps(item, default=str)


def _show(value: Any) -> str:
    """A value in a line: words with quotes, as a person would."""
    if isinstance(value, str):
        line = shorten_to_line(value, _LINE_MAX)
        return f'"{line}"' if " " in line or not line else line
    return shorten_to_line(json.dumps(value, ensure_ascii=False, default=str), _LINE_MAX)
