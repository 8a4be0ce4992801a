"""A plan as a pull request shows it: what is wanted, its tasks, and what waits for what. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.domain.wording import cut_text, shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Tasks = Sequence[tuple[str, Mapping[str, Any]]]

_TEXT_MAX, _CELL_MAX, _GRAPH_MAX = 6_000, 90, 60


def tell_plan(plan: Mapping[str, Any], tasks: Tasks, *, cancelled: Sequence[str] = ()) -> str:
    """The body of a pull request for a plan."""
    parts = [_block(plan.get("goal")), _block(plan.get("description"))]
    if criteria := plan.get("acceptance"):
        parts.append("**Done when**\n\n" + "\n".join(f"- {shorten_to_line(_words(c))}" for c in criteria))
    parts += [_table(tasks), _graph(tasks)]
    if cancelled:
        parts.append(f"**Cancelled:** {', '.join(f'`{c}`' for c in cancelled)}")
    parts.append("Merging this approves the plan: its tasks can be worked on from then on.")
    return "\n\n".join(part for part in parts if part)


def _block(text: object) -> str:
    return cut_text(str(text).strip(), _TEXT_MAX) if text else ""


def _words(criterion: object) -> str:
    return str(criterion.get("text", "")) if isinstance(criterion, dict) else str(criterion)


def _table(tasks: Tasks) -> str:
    if not tasks:
        return ""
    rows = ["| task | title | role | size | needs | paths |", "| --- | --- | --- | --- | --- | --- |"]
    for task, value in tasks:
        size = ", ".join(str(value[k]) for k in ("complexity", "estimate") if value.get(k))
        needs = ", ".join(f"`{n}`" for n in value.get("depends_on", ()))
        paths = " ".join(f"`{_cell(p)}`" for p in value.get("paths", ()))
        cells = [f"`{task}`", _cell(value.get("title")), _cell(value.get("role")), _cell(size), needs, paths]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _cell(text: object) -> str:
    """Words of others in a table: one line that ends no cell and opens no tag."""
    line = shorten_to_line(str(text), _CELL_MAX) if text else ""
    return line.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def _graph(tasks: Tasks) -> str:
    if not any(value.get("depends_on") or value.get("parent") for _, value in tasks) or len(tasks) > _GRAPH_MAX:  # fmt: skip
        return ""
    numbers = {task: f"t{n}" for n, (task, _) in enumerate(tasks)}
    lines = ["```mermaid", "graph LR"]
    lines += [f'  {numbers[task]}["{task}"]' for task, _ in tasks]
    for task, value in tasks:
        lines += [f"  {numbers[n]} --> {numbers[task]}" for n in value.get("depends_on", ()) if n in numbers]
        if (above := value.get("parent")) in numbers:
            lines.append(f"  {numbers[task]} -.-> {numbers[str(above)]}")
    return "\n".join([*lines, "```"])
