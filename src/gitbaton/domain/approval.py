"""Whether a person's approval still is one of what a task says now."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from gitbaton.domain.task import Task

#: What says what is to be done, and with which means. Where a task stands, when its turn comes and what it is called
#: elsewhere is not part of that.
_WANTED = (
    "title", "type", "role", "description", "acceptance", "paths", "context", "clarifications", "service", "repository",
    "working_directory", "run", "result_schema",
)  # fmt: skip
_DIGITS = 32


def digest_wanted(task: Task) -> str:
    """A digest of what a task wants, however its file is written: the same for two texts that mean the same."""
    wanted = task.model_dump(mode="json", include=set(_WANTED), exclude_defaults=True)
    if "acceptance" in wanted:  # that one was found to hold changes nothing about what is wanted
        wanted["acceptance"] = [criterion.text for criterion in task.acceptance]
    text = json.dumps(wanted, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def judge_approval(task: Task) -> Literal["given", "outdated"] | None:
    """Whether it is approved as it is, was approved as it was before, or neither."""
    if task.approved is None:
        return None
    return "given" if task.approved.of == digest_wanted(task) else "outdated"
