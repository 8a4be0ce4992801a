"""The part of a text that is ours, inside a text that people edit too: a pull request's description."""

from __future__ import annotations

import re

BEGIN = "<!-- baton:begin -->"
END = "<!-- baton:end -->"
_PAIR = re.compile(f"{BEGIN}(?:(?!{BEGIN}|{END}).)*{END}", re.DOTALL)
CUT = "\n\n… (cut)"


def place_managed_text(text: str | None, ours: str, length_max: int | None = None) -> str:
    """``text`` with ``ours`` between the markers; everything outside them stays as it is.

    A text without a pair of markers keeps all it has and gets ours at its end. Markers inside
    ``ours`` are defused, so that what an agent wrote can't end our part early. Where nothing but the
    kind of line breaks differs (GitHub's editor saves CRLF), ``text`` itself is returned. Ours is cut so
    that the whole has no more than ``length_max`` characters, if what people wrote leaves that room.
    """
    whole = text or ""
    span = _find_span(whole)
    if span is None:
        kept = whole.rstrip()
        before, after = f"{kept}\n\n" if kept else "", ""
    else:
        before, after = whole[: span[0]], whole[span[1] :]
    inner = _defuse(ours)
    if length_max is not None:
        frame = len(before) + len(BEGIN) + len(END) + len(after) + 2
        inner = clip_text(inner, max(0, length_max - frame))
    block = f"{BEGIN}\n{inner}\n{END}"
    if span is not None and _unify(whole[span[0] : span[1]]) == block:
        return whole
    return before + block + after


def find_managed_text(text: str | None) -> str | None:
    """What stands between the markers, None without them."""
    whole = text or ""
    span = _find_span(whole)
    if span is None:
        return None
    start, stop = span
    return _unify(whole[start + len(BEGIN) : stop - len(END)]).strip("\n")


def clip_text(text: str, length_max: int) -> str:
    """``text``, or its beginning with a note that it was cut (no note where there is no room for one)."""
    if len(text) <= length_max:
        return text
    return text[: length_max - len(CUT)] + CUT if length_max > len(CUT) else text[:length_max]


def _find_span(text: str) -> tuple[int, int] | None:
    """Where our part begins and ends, markers included: the last pair with no marker between. People
    copy and half delete markers; so neither a stray one nor the text beside it is taken for ours.
    """
    pairs = list(_PAIR.finditer(text))
    return pairs[-1].span() if pairs else None


def _unify(text: str) -> str:
    return text.replace("\r\n", "\n")


def _defuse(ours: str) -> str:
    return _unify(ours).strip("\n").replace("<!-- baton:", "&lt;!-- baton:")
