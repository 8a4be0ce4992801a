"""Complexity and routes, as text, as Markdown and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.domain.durations import render_duration
from gitbaton.report.terminal import Style, align, fit, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.complexity import Judgement
    from gitbaton.usecases.judging import Judged
    from gitbaton.usecases.routing import RouteOf

_COLORS = {"simple": "green", "medium": None, "complex": "yellow", "critical": "red"}
_REASONS_SHOWN = 4


def say_level(judgement: Judgement) -> str:
    """The level, and whether somebody gave it."""
    if judgement.given is None:
        return f"{judgement.level} (judged)"
    if judgement.given != judgement.judged:
        return f"{judgement.level} (looks {judgement.judged})"
    return judgement.level


def say_split(judgement: Judgement) -> str:
    """What is advised about splitting it."""
    return f"into {judgement.split_into}" if judgement.split_into else ""


def render_complexity(found: Sequence[Judged], style: Style) -> str:
    """One line for each task; of few tasks all reasons, below it."""
    if not found:
        return "no task is open"
    rows = [
        [one.entry.row.id, say_level(one.judgement), str(one.judgement.score), say_split(one.judgement), _say_reasons(one.judgement)]
        for one in found
    ]  # fmt: skip
    if len(found) == 1:
        return "\n".join(render_judgement(found[0].judgement, style, found[0].entry.row.id))
    head = ["task", "complexity", "score", "split", "why"]
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(4)]
    room = max(24, style.width - sum(widths) - 8)
    rows = [[*(printable(cell) for cell in row[:4]), fit(printable(row[4]), room)] for row in rows]
    colors: list[list[str | None]] = [
        [None, _COLORS[one.judgement.level], None, None, "dim"] for one in found
    ]
    lines = [align([head, *rows], style, [["dim"] * 5, *colors])]
    to_split = [one for one in found if one.judgement.split_into]
    if to_split:
        lines += [
            "",
            f"to split: {', '.join(one.entry.row.id for one in to_split)}; for example: baton plan split {to_split[0].entry.row.id}",
        ]
    return "\n".join(lines)


def _say_reasons(judgement: Judgement) -> str:
    ranked = sorted(judgement.reasons, key=lambda r: -abs(r.points))
    return "; ".join(r.words for r in ranked[:_REASONS_SHOWN]) or "nothing in it says that it is hard"


def render_judgement(judgement: Judgement, style: Style, task: str) -> list[str]:
    """How hard a task is, with all reasons."""
    level = style.paint(say_level(judgement), _COLORS[judgement.level])
    lines = [f"{style.paint(task, 'bold')} is {level}, score {judgement.score} of 100"]
    lines += [f"  {r.points:+4d}  {printable(r.words)}" for r in judgement.reasons]
    if not judgement.reasons:
        lines.append("  nothing in its text, its size or its history says that it is hard")
    if judgement.split_into:
        lines.append(f"split it into {judgement.split_into}: {judgement.split_why} (baton plan split {task})")
    return lines


def render_complexity_markdown(found: Sequence[Judged]) -> str:
    """The report as Markdown."""
    counts = {level: sum(1 for one in found if one.judgement.level == level) for level in _COLORS}
    summary = ", ".join(f"{n} {level}" for level, n in counts.items() if n) or "no open task"
    lines = ["# Complexity", "", f"{summary}.", ""]
    if found:
        lines += ["| task | complexity | score | split into | why |", "| --- | --- | ---: | ---: | --- |"]
    for one in found:
        j = one.judgement
        cells = [
            f"`{one.entry.row.id}`",
            say_level(j),
            str(j.score),
            str(j.split_into or ""),
            _say_reasons(j),
        ]
        lines.append("| " + " | ".join(_cell(c) for c in cells) + " |")
    to_split = [one for one in found if one.judgement.split_into]
    if to_split:
        lines += ["", "## To split", ""]
        lines += [
            f"- `{one.entry.row.id}` into {one.judgement.split_into}: {one.judgement.split_why}"
            for one in to_split
        ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return printable(text).replace("|", "∣").replace("\n", " ")


def judgement_record(judgement: Judgement) -> dict[str, Any]:
    """The same for programs."""
    return {
        "level": judgement.level, "given": judgement.given, "judged": judgement.judged, "score": judgement.score,
        "reasons": [{"words": r.words, "points": r.points} for r in judgement.reasons],
        "split": {"into": judgement.split_into, "why": judgement.split_why} if judgement.split_into else None,
    }  # fmt: skip


# -- routes ------------------------------------------------------------------------------------------------


def list_route(route: RouteOf) -> list[tuple[str, Any, str, str]]:
    """(name, value, the same in words, source) of everything that an attempt gets."""
    run, policy, settings = route.settings.run, route.settings.policy, route.settings
    yes = {True: "yes", False: "no"}
    if policy.level is None:
        complexity, source = (
            "not given",
            f"judged {route.judgement.level}, which decides nothing without routing.judge",
        )
    else:
        complexity, source = (
            policy.level,
            "given in the task" if policy.given else "judged, because routing.judge is true",
        )
    checks = ", ".join(c.value.name for c in run.checks) or "none: the work will be unverified"
    sources = "; ".join(dict.fromkeys(c.source for c in run.checks)) or "checks in tasks/config.yaml"
    split = policy.breakdown.value
    breakdown = "required" if split == "required" else "advised" if split else "no"
    approval = "no"
    if policy.approval.value:
        approval = {"given": "given", "outdated": "outdated: it was changed since"}.get(
            route.entry.row.approval or "", "missing"
        )
    return [
        ("complexity", policy.level, complexity, source),
        ("agent", route.agent.value, f"{route.agent.value} ({settings.agent.adapter})", route.agent.source),
        ("model", run.model.value, run.model.value or "its default", run.model.source),
        ("timeout_s", run.timeout_s.value, render_duration(run.timeout_s.value), run.timeout_s.source),
        ("max_turns", run.max_turns.value, str(run.max_turns.value or "no limit"), run.max_turns.source),
        ("budget_usd", run.budget_usd.value, f"${run.budget_usd.value:.2f}" if run.budget_usd.value else "no limit", run.budget_usd.source),
        ("checks", [{"name": c.value.name, "run": c.value.run, "source": c.source} for c in run.checks], checks, sources),
        ("tests", policy.tests.value, "asked for" if policy.tests.value else "not asked for", policy.tests.source),
        ("breakdown", policy.breakdown.value, breakdown, policy.breakdown.source),
        ("peer_review", route.reviewer, f"by {route.reviewer}, as reviewer" if route.reviewer else "no", policy.peer_review.source),
        ("approval", policy.approval.value, approval, policy.approval.source),
        ("auto_merge", policy.auto_merge.value, yes[policy.auto_merge.value], policy.auto_merge.source),
    ]  # fmt: skip


_LABELS = {
    "timeout_s": "time limit", "max_turns": "turn limit", "budget_usd": "money limit", "peer_review": "peer review",
    "auto_merge": "merge by itself",
}  # fmt: skip


def render_route(route: RouteOf, style: Style, *, explain: bool) -> str:
    """What an attempt gets; with ``explain`` also where it comes from, and why the task is taken for that hard."""
    rows = [
        [_LABELS.get(name, name), printable(words), *([printable(source)] if explain else [])]
        for name, _, words, source in list_route(route)
    ]
    colors: list[list[str | None]] = [["dim", None, "dim"][: len(row)] for row in rows]
    task = route.entry.row.id
    lines = [f"{style.paint(task, 'bold')}: {printable(route.entry.row.title)}", align(rows, style, colors)]
    if explain:
        lines += ["", *render_judgement(route.judgement, style, task)]
    if not route.entry.claimable:
        lines += ["", f"it can't be claimed now: {printable(route.entry.why)}"]
    return "\n".join(lines)


def route_record(route: RouteOf) -> dict[str, Any]:
    """The same for programs."""
    found = list_route(route)
    return {
        **{name: value for name, value, _, _ in found},
        "given": route.settings.policy.given,
        "sources": {name: source for name, _, _, source in found},
        "judgement": judgement_record(route.judgement),
    }
