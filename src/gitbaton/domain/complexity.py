"""How hard a task is: given in its file, or judged from its words, its size and its history. Pure, and explained.

A score is a sum of points, and every point has a reason. Levels are ranges of it; a given level is taken as it is, and
the score then only says what the text looks like.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.outcome import OUTCOMES, is_own_failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.choices import Complexity
    from gitbaton.domain.state import Attempt
    from gitbaton.domain.task import Task


class WordGroup(NamedTuple):
    """Words that tell something about a task. The first that is found counts ``points``, each further one ``more``."""

    about: str
    points: int
    more: int
    words: tuple[str, ...]


#: Beginnings of words (``auth`` finds "authentication") count where they end in ``*``, others as whole words.
WORD_GROUPS = (
    WordGroup("a small, well-known kind of change", -10, 0, (
        "typo", "typos", "rename", "wording", "spelling", "whitespace", "formatting", "reword", "bump",
    )),
    WordGroup("a change that goes wide", 14, 4, (
        "refactor*", "rewrite", "redesign*", "migrat*", "architectur*", "everywhere", "throughout", "all modules", "framework",
        "overhaul", "replace all", "split up", "monolith", "backwards compatib*", "backward compatib*",
    )),
    WordGroup("a hard technical matter", 14, 4, (
        "concurren*", "race condition", "race conditions", "deadlock*", "distributed", "transaction*", "consisten*", "lock-free",
        "performance", "optimi*", "algorithm*", "parser", "compiler", "scheduler", "real-time", "realtime", "cache invalidation",
        "thread-safe", "memory leak", "streaming", "idempoten*", "protocol",
    )),
    WordGroup("a matter in which a mistake costs much", 18, 5, (
        "auth", "authent*", "authoriz*", "authoris*", "login", "password*", "payment*", "billing", "invoice*", "security", "encrypt*", "cryptograph*", "permission*",
        "credential*", "secret", "secrets", "personal data", "gdpr", "production data", "delete all", "data loss", "irreversibl*",
        "vulnerabilit*",
    )),
    WordGroup("something that others depend on", 6, 2, (
        "api", "database", "schema", "integrat*", "third-party", "webhook*", "public interface", "queue", "external service",
        "endpoint", "endpoints",
    )),
    WordGroup("something that is not settled", 8, 3, (
        "investigat*", "unclear", "unknown", "somehow", "tbd", "to be decided", "figure out", "explore", "prototype", "research*",
    )),
)  # fmt: skip
#: From this score on; below the first: simple.
THRESHOLDS: tuple[tuple[int, Complexity], ...] = ((70, "critical"), (45, "complex"), (20, "medium"))
LEVELS: tuple[Complexity, ...] = ("simple", "medium", "complex", "critical")
_TYPE_POINTS = {"epic": 12, "story": 8, "todo": -5, "chore": -4, "docs": -4}
_PARTS_MAX = 8
_CRITERIA_OF_A_PART = 3
_SHOWN = 3
_STEP = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\S", re.MULTILINE)


class Size(NamedTuple):
    """What can be seen of a task without reading it as a person would: its text and numbers. ``failures`` are attempts
    that failed because of the task itself; ``changes_requested`` how often a reviewer wanted more; ``parts`` how many
    tasks name it as parent.
    """

    title: str
    description: str = ""
    type: str = "task"
    acceptance: int = 0
    paths: tuple[str, ...] = ()
    dependencies: int = 0
    dependents: int = 0
    attempts: int = 0
    failures: int = 0
    changes_requested: int = 0
    parts: int = 0


class Reason(NamedTuple):
    """A finding, in words, and the points it counts."""

    words: str
    points: int


class Judgement(NamedTuple):
    """``level`` is the ``given`` one, else the ``judged`` one. ``split_into`` is the number of parts that are advised
    (0: none), ``split_why`` the reason for that.
    """

    level: Complexity
    given: Complexity | None
    judged: Complexity
    score: int
    reasons: tuple[Reason, ...]
    split_into: int = 0
    split_why: str = ""


def judge_complexity(size: Size, given: Complexity | None = None) -> Judgement:
    """How hard a task is, why, and whether to split it."""
    reasons = [*_judge_words(size), *_judge_scope(size), *_judge_history(size)]
    score = max(0, min(100, sum(r.points for r in reasons)))
    judged = find_level(score)
    level = given or judged
    into, why = _judge_split(size, level)
    return Judgement(level, given, judged, score, tuple(reasons), into, why)


def find_level(score: int) -> Complexity:
    """The level of a score."""
    return next((level for least, level in THRESHOLDS if score >= least), "simple")


def measure_task(
    task: Task, *, dependents: int = 0, attempts: Sequence[Attempt] = (), changes_wanted: bool = False, parts: int = 0
) -> Size:  # fmt: skip
    """What ``judge_complexity`` takes. ``changes_wanted``: a reviewer wants more of it now. Attempts that go on don't
    count, so that a task is judged alike before and while it is worked on.
    """
    ended = [a.outcome for a in attempts if a.outcome]
    failures = sum(1 for o in ended if is_own_failure(o))
    returned = sum(1 for o in ended[:-1] if OUTCOMES[o].good) + bool(changes_wanted)
    return Size(
        task.title, task.description or "", task.type, len(task.acceptance), task.paths, len(task.depends_on), dependents,
        len(ended), failures, returned, parts,
    )  # fmt: skip


# -- words -------------------------------------------------------------------------------------------------


def _compile(words: Sequence[str]) -> re.Pattern[str]:
    found = (
        re.escape(w.rstrip("*")).replace(r"\ ", r"\s+") + (r"\w*" if w.endswith("*") else "") for w in words
    )
    return re.compile(rf"(?<![\w-])(?:{'|'.join(found)})(?![\w-])", re.IGNORECASE)


_PATTERNS = tuple((group, _compile(group.words)) for group in WORD_GROUPS)


def _judge_words(size: Size) -> list[Reason]:
    text = f"{size.title}\n{size.description}"
    reasons = []
    for group, pattern in _PATTERNS:
        looked_at = size.title if group.points < 0 else text  # a long text mentions small things, too
        found = list(dict.fromkeys(" ".join(m.group().lower().split()) for m in pattern.finditer(looked_at)))
        if found:
            points = group.points + group.more * (min(len(found), _SHOWN) - 1)
            named = ", ".join(f'"{w}"' for w in found[:_SHOWN])
            reasons.append(Reason(f"{group.about}: {named}", points))
    return reasons


# -- size --------------------------------------------------------------------------------------------------


def _judge_scope(size: Size) -> list[Reason]:
    reasons = []
    if points := _TYPE_POINTS.get(size.type, 0):
        reasons.append(Reason(f"its type is {size.type}", points))
    words = len(size.description.split())
    for least, points in ((600, 14), (300, 9), (120, 4)):
        if words >= least:
            reasons.append(Reason(f"its description has {words} words", points))
            break
    if size.acceptance > _CRITERIA_OF_A_PART:
        points = min(20, 3 * (size.acceptance - _CRITERIA_OF_A_PART))
        reasons.append(Reason(f"it has {size.acceptance} acceptance criteria", points))
    steps = _count_steps(size)
    if steps > _CRITERIA_OF_A_PART:
        reasons.append(
            Reason(f"its description lists {steps} things", min(12, 2 * (steps - _CRITERIA_OF_A_PART)))
        )
    places = find_places(size.paths)
    if len(places) > 1:
        named = ", ".join(places[:_SHOWN]) + (" …" if len(places) > _SHOWN else "")
        reasons.append(
            Reason(f"its paths lie in {len(places)} places ({named})", min(15, 4 * (len(places) - 1)))
        )
    if any(path.strip("/") in ("**", "*", ".") for path in size.paths):
        reasons.append(Reason("its paths are the whole repository", 8))
    if size.dependencies > 1:
        reasons.append(Reason(f"it builds on {size.dependencies} tasks", min(8, 2 * size.dependencies)))
    if size.dependents > 1:
        reasons.append(Reason(f"{size.dependents} tasks wait for it", min(12, 3 * size.dependents)))
    return reasons


def find_places(paths: Sequence[str]) -> list[str]:
    """The folders that globs lie in, two levels deep at most, without those of tests and docs: these go with any
    change.
    """
    places: dict[str, None] = {}
    for path in paths:
        whole = [p for p in path.strip("/").split("/") if p and p != "."]
        fixed = []
        for part in whole:
            if any(c in part for c in "*?["):
                break
            fixed.append(part)
        if len(fixed) == len(whole) and "." in (fixed[-1] if fixed else ""):
            fixed = fixed[:-1] or fixed  # a file stands for its folder
        if fixed and fixed[0].lower() not in ("test", "tests", "doc", "docs", "spec", "changes"):
            places["/".join(fixed[:2])] = None
    return list(places)


def _count_steps(size: Size) -> int:
    return len(_STEP.findall(size.description))


# -- history -----------------------------------------------------------------------------------------------


def _judge_history(size: Size) -> list[Reason]:
    reasons = []
    if size.failures:
        times = "once" if size.failures == 1 else f"{size.failures} times"
        reasons.append(Reason(f"attempts at it failed {times}", min(30, 10 * size.failures)))
    if size.changes_requested:
        times = "once" if size.changes_requested == 1 else f"{size.changes_requested} times"
        reasons.append(Reason(f"reviewers wanted changes {times}", min(16, 8 * size.changes_requested)))
    return reasons


# -- splitting ---------------------------------------------------------------------------------------------


def _judge_split(size: Size, level: Complexity) -> tuple[int, str]:
    """Into how many parts, and why. A task with parts is split already."""
    if size.parts:
        return 0, ""
    criteria, steps, places = size.acceptance, _count_steps(size), len(find_places(size.paths))
    why = []
    if LEVELS.index(level) >= LEVELS.index("complex"):
        why.append(f"it is {level}")
    if criteria > 2 * _CRITERIA_OF_A_PART:
        why.append(f"it has {criteria} acceptance criteria")
    if steps > 2 * _CRITERIA_OF_A_PART:
        why.append(f"it lists {steps} things")
    if size.failures > 1:
        why.append(f"{size.failures} attempts at the whole failed")
    if not why:
        return 0, ""
    parts = max(2, math.ceil(criteria / _CRITERIA_OF_A_PART), math.ceil(steps / _CRITERIA_OF_A_PART), places)
    return min(_PARTS_MAX, parts), "; ".join(why)
