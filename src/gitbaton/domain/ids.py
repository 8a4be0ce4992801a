"""Ids of tasks and plans: readable slugs that are safe as file names and as parts of git refs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitbaton.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

ID_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
#: What begins the name of work without a task where a task's id stands otherwise. No id can begin so.
MARK = "commission+"
_RESERVED = {"config", "sessions"}
#: Names that Windows keeps for devices, with or without an extension:
#: https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"com{n}" for n in range(1, 10)),
    *(f"lpt{n}" for n in range(1, 10)),
}
_SLUG_MAX = 48
_HITS_SHOWN = 6


def explain_bad_id(text: str) -> str | None:
    """Why ``text`` can't be an id, or None when it can."""
    if not _ID.fullmatch(text):
        return "an id has 1 to 64 of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit"
    if ".." in text or text.endswith((".", ".lock")):
        return "an id has no '..' and doesn't end in '.' or '.lock', because it becomes part of a git ref"
    if text in _RESERVED:
        return f"'{text}' is kept for gitbaton's own files"
    if text.split(".", maxsplit=1)[0] in _DEVICES:
        return f"'{text}' is the name of a device on Windows"
    return None


def check_id(text: str) -> str:
    """``text`` if it is a valid id; raises ``Refusal`` (``bad-id``) that says why not."""
    reason = explain_bad_id(text)
    if reason:
        raise Refusal(
            f"'{text}' can't be an id: {reason}", code="bad-id", hint="choose another one with --id"
        )
    return text


def make_slug(title: str) -> str:
    """A readable slug from a title: ``Add login endpoint!`` → ``add-login-endpoint``. Letters outside
    a-z are transliterated where Unicode knows how; a title with none gives ``task``.
    """
    import unicodedata

    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if len(slug) > _SLUG_MAX:
        slug = slug[: _SLUG_MAX + 1].rsplit("-", 1)[0][:_SLUG_MAX].strip("-")
    if not slug:
        return "task"
    return slug if explain_bad_id(slug) is None else f"task-{slug}"


def make_id(title: str, taken: Collection[str], random_suffix: Callable[[], str]) -> str:
    """A free id for ``title``. A slug that is taken gets a random suffix, never a counter, because
    counters collide across branches. ``random_suffix`` gives four characters of a-z0-9.
    """
    slug = make_slug(title)
    candidate = slug
    while candidate in taken:
        candidate = f"{slug}-{random_suffix()}"
    return candidate


def find_id(text: str, known: Iterable[str], *, exact: bool = False, noun: str = "task") -> str:
    """The id that ``text`` names: itself (capitals don't matter, ids are unique without regard to case), else
    the one id it is a prefix of (unless ``exact``).

    Raises ``Refusal``: ``unknown-id`` with the nearest ids as hint, or ``ambiguous-id`` with the candidates.
    """
    ids = sorted(known)
    for whole in (text, text.lower()):
        if whole in ids:
            return whole
    starting = [i for i in ids if i.startswith(text.lower())] if text else []
    hits = [] if exact else starting
    if len(hits) == 1:
        return hits[0]
    if hits:
        shown = ", ".join(hits[:_HITS_SHOWN]) + (" …" if len(hits) > _HITS_SHOWN else "")
        raise Refusal(
            f"'{text}' could be {shown}", code="ambiguous-id", hint="give more of the id", data={"ids": hits}
        )
    near = find_similar(text, ids) or starting[:3]
    hint = f"did you mean {' or '.join(near)}?" if near else "see the ids with: baton list"
    if not near and noun != "task":
        hint = "there is: " + ", ".join(ids[:_HITS_SHOWN]) if ids else "there is none at all"
    raise Refusal(
        f"there is no {noun} '{text}'", code="unknown-id", hint=hint, data={"id": text, "similar": near}
    )


def find_similar(text: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """Names near to a mistyped one, best first."""
    import difflib

    return difflib.get_close_matches(text.lower(), list(known), n=limit, cutoff=0.6)
