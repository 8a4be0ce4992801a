"""What an agent is told that is to write something and hand it in, and what is wrong with what came. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gitbaton.domain.durations import render_duration
from gitbaton.domain.guards import encode_forms
from gitbaton.domain.markdown import fence, quote
from gitbaton.domain.outbox import RESULT_BYTES_MAX
from gitbaton.domain.wording import clean_text, shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PROBLEMS_MAX = 30
_PROBLEM_MAX = 400


def render_handing_in(
    schema: Mapping[str, Any],
    *,
    commit: str,
    rounds: int,
    has_tools: bool,
    timeout_s: float,
    turns_max: int | None,
) -> str:
    """How to hand in something that fits ``schema``, as the last section of a briefing."""
    ticks, _, shape = fence(json.dumps(schema, indent=2, ensure_ascii=False)).partition("\n")
    how = (
        "When it is ready, call `complete_task` of the `baton` tools, with a `summary` in one sentence and with\n"
        "`result`. It is checked at once: a refusal names what to mend. Then end."
        if has_tools
        else "When it is ready, write one JSON object to the file named by `$BATON_RESULT`, with what you hand in as\n"
        "its `result`; then end."
    )
    limits = render_duration(timeout_s) + (f" and {turns_max} turns" if turns_max else "")
    return f"""\
## How to hand it in

You work alone in a private clone of the repository, at commit {commit[:10]}. Read in it what you need. Nothing that
you change there is kept: only what you hand in counts. Nobody answers while you work.

{how}

`result` is JSON that meets this schema, with at most {RESULT_BYTES_MAX // 1024} KiB of it in all:

{ticks}json
{shape}

Its texts are plain text or Markdown: no control characters, no keys or passwords. If something is wrong with it, you
are told what, {_count(rounds)}. You have {limits}.
"""


def _count(rounds: int) -> str:
    return {0: "and that is the end of it", 1: "once"}.get(rounds, f"up to {rounds} times")


def render_problems(problems: Sequence[str], *, number: int, most: int, has_tools: bool) -> str:
    """What is wrong with what was handed in, for its author to mend: round ``number`` of ``most``."""
    where = "with `complete_task`" if has_tools else "in the file named by `$BATON_RESULT`"
    listed = "\n".join(f"- {problem}" for problem in problems)
    return f"""\
## Not taken yet: round {number} of {most}

What you handed in can't be taken:

{quote(listed)}

Mend all of it, and hand in the whole again, {where}, as you were asked to before. Then end.
"""


def find_unseen(value: object) -> Iterator[str]:
    """Every text in ``value`` (as JSON has it) that steers terminals or holds what can't be seen."""
    for place, text in _iter_texts(value, ""):
        if clean_text(text) != text.replace("\r\n", "\n"):
            yield f"{place}: it holds control characters, which people's terminals would obey; take them out"


def find_leaks(value: object, secrets: Mapping[str, str]) -> Iterator[str]:
    """Every text in ``value`` that holds one of ``secrets`` (name → value), plain or encoded."""
    needles = [
        (name, form.decode("utf-8", "replace")) for name, secret in secrets.items() for form in encode_forms(secret)
    ]  # fmt: skip
    for place, text in _iter_texts(value, ""):
        if found := next((name for name, form in needles if form in text), None):
            yield f"{place}: it holds the secret {found}"


def _iter_texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """(place, text) of every text in ``value``, names of fields included."""
    if isinstance(value, str):
        yield place or "result", value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield f"a name in {place or 'result'}", str(key)
            yield from _iter_texts(item, f"{place}.{shorten_to_line(str(key), 40)}".lstrip("."))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _iter_texts(item, f"{place}[{number}]")


def bound_problems(problems: Sequence[str]) -> list[str]:
    """The first of them, each as one line."""
    found = [shorten_to_line(problem, _PROBLEM_MAX) for problem in dict.fromkeys(problems)]
    rest = len(found) - PROBLEMS_MAX
    return [*found[:PROBLEMS_MAX], f"and {rest} more"] if rest > 0 else found
