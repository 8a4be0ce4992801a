"""The result file that an agent may leave in its outbox: untrusted, so read with care and checked."""

from __future__ import annotations

import json
import math
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

from gitbaton.domain.durations import LONGEST_S
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIZE_MAX = 1 << 20
#: The outcomes that are an agent's to claim; the others are found by whoever watches it.
CLAIMABLE = (
    Outcome.SUCCEEDED,
    Outcome.AGENT_REFUSED,
    Outcome.AGENT_ERROR,
    Outcome.NEEDS_INPUT,
    Outcome.BLOCKED,
    Outcome.RATE_LIMITED,
    Outcome.OVERLOADED,
)


class BadResultFile(Exception):
    """The file is there and can't be used; the text says why."""


@dataclass(frozen=True, slots=True)
class ResultFile:
    """What it says. ``handoff`` holds every field that has no meaning here, unchecked."""

    outcome: Outcome | None = None
    message: str = ""
    result: object = None
    usage: Usage = field(default_factory=Usage)
    retry_after_s: float | None = None
    handoff: Mapping[str, object] = field(default_factory=dict)


def read_result_file(path: Path) -> ResultFile | None:
    """The result at ``path``, None if there is none. Raises ``BadResultFile``.

    Follows no symlink, waits for nobody at the other end of a pipe, and reads at most ``SIZE_MAX``.
    """
    try:
        # The folder is opened first, so that a symlink in its place is refused too.
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise BadResultFile(f"its folder can't be opened: {error.strerror}") from error
    try:
        handle = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadResultFile(f"it is no regular file or can't be opened: {error.strerror}") from error
    finally:
        os.close(folder)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BadResultFile("it is no regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(SIZE_MAX + 1)
    finally:
        os.close(handle)
    if len(data) > SIZE_MAX:
        raise BadResultFile(f"it is larger than {SIZE_MAX >> 20} MiB")
    return parse_result(data)


def parse_result(data: bytes) -> ResultFile:
    """The result written as ``data``. Raises ``BadResultFile``."""
    try:
        content = json.loads(data.decode(), parse_constant=_refuse_number, parse_float=_parse_float)
        json.dumps(content, ensure_ascii=False).encode()  # half a character, "\\ud800", could never be kept
    except (ValueError, RecursionError) as error:
        raise BadResultFile(f"it is no valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise BadResultFile("it holds no JSON object")
    handoff = dict(content)
    outcome = _take_outcome(handoff)
    message = _take_text(handoff, "message")
    question = handoff.pop("question", None)
    if question:
        handoff.setdefault("questions", question if isinstance(question, list) else [question])
        outcome = outcome or Outcome.NEEDS_INPUT
    usage = handoff.pop("usage", None)
    try:
        measured = Usage.model_validate(usage or {})
    except ValidationError as error:
        found = error.errors()[0]
        place = ".".join(map(str, found["loc"]))
        raise BadResultFile(f"its usage is wrong: {place + ': ' if place else ''}{found['msg']}") from error
    retry_after_s = _take_seconds(handoff, "retry_after")
    return ResultFile(outcome, message, handoff.pop("result", None), measured, retry_after_s, handoff)


def _take_outcome(content: dict[str, Any]) -> Outcome | None:
    claimed = content.pop("outcome", None)
    if claimed is None:
        return None
    if claimed not in CLAIMABLE:
        raise BadResultFile(f"its outcome must be one of {', '.join(CLAIMABLE)}, not {claimed!r}")
    return Outcome(claimed)


def _take_text(content: dict[str, Any], name: str) -> str:
    text = content.pop(name, "")
    if not isinstance(text, str):
        raise BadResultFile(f"its {name} is no text")
    return text


def _take_seconds(content: dict[str, Any], name: str) -> float | None:
    value = content.pop(name, None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_S:
        raise BadResultFile(f"its {name} is no number of seconds")
    return float(value)


def _parse_float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number that JSON knows")
