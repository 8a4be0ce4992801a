"""Plans, as text and as records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gitbaton.domain.durations import render_duration
from gitbaton.domain.estimate import render_work
from gitbaton.domain.waves import count_lanes
from gitbaton.report.board_text import words
from gitbaton.report.records import problem_record, task_record
from gitbaton.report.terminal import STATE_COLORS, Style, align, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.usecases.planapproval import Approval, Edit, Origin
    from gitbaton.usecases.planpast import Moment
    from gitbaton.usecases.planreading import Progress
    from gitbaton.usecases.planview import Chain, Shown, Summary

_BAR, _DAYS_SHOWN, _EDITS_SHOWN = 20, 10, 12
_WAVES_SHOWN, _NAMED = 15, 12


def render_bar(progress: Progress, style: Style, width: int = _BAR) -> str:
    """How far it is, as a bar."""
    full = progress.done * width // progress.total if progress.total else 0
    return style.symbol("█", "#") * full + style.symbol("░", ".") * (width - full)


def _count(progress: Progress) -> str:
    if not progress.total:
        return "no tasks"
    return f"{progress.done} of {progress.total} done ({100 * progress.done // progress.total} %)"


# -- all of them -------------------------------------------------------------------------------------------


def render_plans(plans: Sequence[Summary], style: Style) -> str:
    """Every plan in a line."""
    rows = []
    for file, progress in plans:
        notes = f"  ({file.local})" if file.local else ""
        if file.plan is None:
            rows.append([file.id, "broken", "", "", printable(str(file.problems[0])) + notes])
            continue
        rows.append([file.id, file.plan.status, render_bar(progress, style, 10), _count(progress), file.plan.title + notes])  # fmt: skip
    return align(rows, style) if rows else 'There are no plans yet. Write one with: baton plan new "Title"'


def summary_record(summary: Summary) -> dict[str, Any]:
    """The same for programs."""
    file, progress = summary
    fields: dict[str, Any] = {
        "id": file.id,
        "path": file.path,
        "title": file.plan.title if file.plan else None,
    }
    fields |= {"status": file.plan.status if file.plan else None, **progress._asdict()}
    more = {"local": file.local, "problems": [problem_record(p) for p in file.problems]}
    return {**fields, **{k: v for k, v in more.items() if v}}


# -- one ---------------------------------------------------------------------------------------------------


def render_plan(shown: Shown, style: Style) -> str:
    """A plan at length."""
    plan, file = shown.plan, shown.file
    lines = [style.paint(printable(f"{file.id}: {plan.title}"), "bold")]
    state = plan.status + (f"  [{file.local} here]" if file.local else "")
    lines += ["", f"{render_bar(shown.progress, style)} {_count(shown.progress)}, {state}"]
    lines += _render_approval(shown.approval, shown.file.id)
    if plan.goal:
        lines += ["", *(f"  {printable(line)}" for line in plan.goal.strip().splitlines())]
    if plan.acceptance:
        lines += ["", "Done when:", *(f"  [{'x' if a.checked else ' '}] {printable(a.text)}" for a in plan.acceptance)]  # fmt: skip
    lines += _render_members(shown, style)
    if shown.broken:
        lines += [
            "",
            f"Can't be read, so nobody knows: {', '.join(shown.broken)} (see why with: baton validate)",
        ]
    lines += _render_waves(shown)
    lines += _render_burn_up(shown.burn_up, style)
    if not shown.members:
        lines += ["", f"It has no tasks yet: baton plan revise {file.id} --subtasks FILE"]
    elif plan.status != "closed" and shown.progress.done == shown.progress.total:
        lines += ["", f"Everything is done: baton plan close {file.id}"]
    return "\n".join(lines)


def _render_members(shown: Shown, style: Style) -> list[str]:
    rows, colors = [], []
    mine = {e.row.id for e in shown.members}
    for entry in _nest(shown):
        row = entry.row
        inner = "  " if row.parent in mine else ""
        kids = [k for k in shown.board.children.get(row.id, ()) if k in shown.board.entries]
        note = ""
        if kids:
            done = sum(shown.board.entries[k].state == "done" for k in kids)
            note = f"{done} of {len(kids)} parts"
        elif entry.state == "waiting" and entry.blocked_by:
            note = f"after {', '.join(entry.blocked_by[:3])}" + (" …" if len(entry.blocked_by) > 3 else "")
        elif row.local:
            note = row.local
        rows.append([f"  {inner}{row.id}", words(entry.state), row.role or "", note, row.title])
        colors.append([None, STATE_COLORS.get(entry.state), None, None, None])
    return ["", "Tasks:", align(rows, style, colors)] if rows else []


def _nest(shown: Shown) -> list[Any]:
    """Its tasks, parts right after what they are parts of."""
    mine = {e.row.id: e for e in shown.members}
    ordered: list[Any] = []

    def visit(entry: Any) -> None:
        if entry in ordered:
            return
        ordered.append(entry)
        for kid in shown.members:
            if kid.row.parent == entry.row.id:
                visit(kid)

    for entry in shown.members:
        if entry.row.parent not in mine:
            visit(entry)
    return ordered + [e for e in shown.members if e not in ordered]


def _render_waves(shown: Shown) -> list[str]:
    if not shown.waves and not shown.stuck:
        return []
    lanes = count_lanes(shown.waves)
    lines = ["", f"At once (up to {lanes} lane{'s' * (lanes != 1)}):"] if lanes else []
    for n, wave in enumerate(shown.waves[:_WAVES_SHOWN], 1):
        named = [f"{task} (not of this plan)" if task in shown.outside else task for task in wave]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        lines.append(f"  {n}. {', '.join(named[:_NAMED])}{more}")
    if len(shown.waves) > _WAVES_SHOWN:
        lines.append(f"  and {len(shown.waves) - _WAVES_SHOWN} lines more: see all with --json")
    if shown.stuck:
        lines += ["", f"Can't start as things are: {', '.join(shown.stuck)} (see why with: baton explain {shown.stuck[0]})"]  # fmt: skip
    if len(shown.chain.tasks) > 1:
        tasks = list(shown.chain.tasks)
        if len(tasks) > _NAMED:
            tasks[_NAMED // 2 : -(_NAMED // 2)] = [f"… {len(tasks) - _NAMED // 2 * 2} more …"]
        lines += ["", f"Longest chain: {' → '.join(tasks)} ({_measure(shown.chain)})"]
    return lines


def _measure(chain: Chain) -> str:
    if chain.seconds is None:
        return f"{len(chain.tasks)} tasks; nothing is estimated"
    if chain.is_measured:
        return f"{render_duration(chain.seconds)} of work, going by what attempts took"
    said = f"{render_work(chain.seconds)} by estimate"
    if chain.guessed and chain.each_s is not None:
        said += f"; {len(chain.guessed)} without one count{'s' * (len(chain.guessed) == 1)} as {render_work(chain.each_s)}"  # fmt: skip
    return said


def _render_approval(approval: Approval, plan: str) -> list[str]:
    lines = []
    if approval.is_older:
        lines.append("approved before this shallow clone begins: see by whom after git fetch --unshallow")
    elif approval.origin is None:
        return [f"not approved yet: its tasks can be claimed once tasks/plans/{plan}.yaml is on the base branch"]  # fmt: skip
    else:
        one = approval.origin
        how = f"{'merge' if one.is_merge else 'commit'} {one.commit[:10]}"
        lines.append(f"approved by {printable(one.who)}, {_when(one.at)}, {how}: {printable(one.subject)}")
    if approval.edits:
        lines += ["", "Changed after the approval:"]
        lines += [line for edit in approval.edits[-_EDITS_SHOWN:] for line in _render_edit(edit)]
        if len(approval.edits) > _EDITS_SHOWN:
            lines.append(f"  and {len(approval.edits) - _EDITS_SHOWN} earlier changes: see all with --json")
    if approval.local:
        lines += ["", "Not approved, only in this checkout:"]
        lines += [line for edit in approval.local for line in _render_edit(edit)]
    return lines


def _render_edit(edit: Edit) -> list[str]:
    by = edit.local
    if edit.origin:
        merge = "merge " if edit.origin.is_merge else ""
        by = f"{printable(edit.origin.who)}, {_when(edit.origin.at)}, {merge}{edit.origin.commit[:10]}"
    first, *rest = edit.words
    return [f"  {edit.kind} {edit.id}: {printable(first)}  ({by})", *(f"    {printable(w)}" for w in rest)]


def _when(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}"


def _render_burn_up(moments: Sequence[Moment], style: Style) -> list[str]:
    """The last moment of each day; of many days some, evenly."""
    if len(moments) < 2:
        return []
    days = {f"{datetime.fromtimestamp(m.at, UTC):%Y-%m-%d}": m for m in moments}
    if len(days) == 1:
        days = {f"{_when(m.at)} {m.commit[:7]}": m for m in moments}
    names = list(days)
    step = max(1, -(-len(names) // _DAYS_SHOWN))
    kept = names[::-1][::step][::-1]
    most = max(m.total for m in moments) or 1
    lines = ["", "Done over time:"]
    for name in kept:
        moment = days[name]
        done, total = (_BAR * n // most for n in (moment.done, moment.total))
        bar = style.symbol("█", "#") * done + style.symbol("░", ".") * (total - done)
        lines.append(f"  {name}  {bar}{' ' * (_BAR - total)}  {moment.done} of {moment.total}")
    return lines


# -- records -----------------------------------------------------------------------------------------------


def plan_record(shown: Shown) -> dict[str, Any]:
    """A plan at length, for programs."""
    plan, file = shown.plan, shown.file
    text = plan.model_dump(mode="json", exclude_defaults=True, exclude={"version", "tasks"})
    return {
        "id": file.id, "path": file.path, "local": file.local, "status": plan.status, **text, "progress": shown.progress._asdict(),
        "tasks": [task_record(e) for e in shown.members], "waves": [list(w) for w in shown.waves], "lanes": count_lanes(shown.waves),
        "broken": list(shown.broken), "outside": sorted(shown.outside), "stuck": list(shown.stuck),
        "longest": {
            "tasks": list(shown.chain.tasks), "seconds": shown.chain.seconds, "measured": shown.chain.is_measured,
            "without_estimate": list(shown.chain.guessed),
        },
        "approved": shown.approval.origin is not None or shown.approval.is_older, "approval": _origin_record(shown.approval.origin),
        "changed_since": [_edit_record(e) for e in shown.approval.edits], "only_here": [_edit_record(e) for e in shown.approval.local],
        "burn_up": [{"at": _iso(m.at), "done": m.done, "total": m.total, "commit": m.commit} for m in shown.burn_up],
    }  # fmt: skip


def _origin_record(origin: Origin | None) -> dict[str, Any] | None:
    if origin is None:
        return None
    return {"commit": origin.commit, "at": _iso(origin.at), "by": origin.who, "subject": origin.subject, "merge": origin.is_merge}  # fmt: skip


def _edit_record(edit: Edit) -> dict[str, Any]:
    fields = {"kind": edit.kind, "id": edit.id, "path": edit.path, "words": list(edit.words), "fields": list(edit.fields)}  # fmt: skip
    return {**fields, **({"local": edit.local} if edit.origin is None else _origin_record(edit.origin) or {})}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
