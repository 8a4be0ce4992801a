"""Random values of the domain for property tests. Small alphabets on purpose: what matters happens when ids,
parents and states meet.
"""

from __future__ import annotations

from hypothesis import strategies as st

from gitbaton.domain.board import LiveRow, TaskRow
from gitbaton.domain.choices import PRIORITIES
from gitbaton.domain.lifecycle import ALL

#: The time the board is folded at; leases and back-offs lie on both sides of it.
NOW = 1_000.0
IDS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
_TIMES = st.sampled_from([None, NOW - 1, NOW, NOW + 1])
_WORDS = st.sampled_from([None, "because"])


@st.composite
def task_rows(draw: st.DrawFn) -> TaskRow:
    """A task row; its dependencies, parent and plan may dangle or lead back to itself."""
    task = draw(IDS)
    return TaskRow(
        id=task,
        path=f"tasks/{task}.yaml",
        title=task,
        status=draw(st.sampled_from(["todo", "todo", "todo", "draft", "done", "cancelled"])),
        priority=draw(st.sampled_from(PRIORITIES)),
        depends_on=tuple(draw(st.lists(st.one_of(IDS, st.just("gone")), max_size=2))),
        parent=draw(st.one_of(st.none(), st.none(), IDS)),
        plan=draw(st.sampled_from([None, None, "plan", "unmerged"])),
        paths=tuple(draw(st.lists(st.sampled_from(["src", "src/a", "docs/**"]), max_size=2))),
        hold=draw(st.sampled_from([None, None, None, "hold"])),
        created=draw(st.sampled_from([None, "2026-01-01", "2026-01-02"])),
        attempts_max=draw(st.sampled_from([None, 1, 5])),
        complexity=draw(st.sampled_from([None, None, "complex", "critical"])),
        approval=draw(st.sampled_from([None, "given", "outdated"])),
        local=draw(st.sampled_from([None, None, None, "uncommitted"])),
    )


@st.composite
def live_rows(draw: st.DrawFn) -> LiveRow:
    """A state tip of any status."""
    return LiveRow(
        task=draw(IDS),
        status=draw(st.sampled_from(ALL)),
        oid="0" * 40,
        attempt=draw(st.integers(0, 6)),
        attempt_limit=draw(st.sampled_from([None, 0, 3])),
        holder=draw(st.sampled_from([None, "claude"])),
        lease=draw(_TIMES),
        retry_at=draw(_TIMES),
        reason=draw(_WORDS),
        hold=draw(st.sampled_from([None, None, None, "hold"])),
        merge=draw(st.sampled_from([None, "m1", "m2"])),
    )


#: Rows with ids of their own.
ROWS = st.lists(task_rows(), max_size=6, unique_by=lambda row: row.id)
#: Tips by task.
TIPS = st.lists(live_rows(), max_size=6, unique_by=lambda row: row.task).map(
    lambda tips: {t.task: t for t in tips}
)
