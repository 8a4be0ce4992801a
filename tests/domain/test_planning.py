"""From a list of tasks to drafts, the order of work, and how long it takes: pure rules."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gitbaton.domain.board import TaskRow
from gitbaton.domain.breakdown import Breakdown, list_given
from gitbaton.domain.estimate import render_work
from gitbaton.domain.ids import explain_bad_id, make_id
from gitbaton.domain.planning import Draft, Ground, draft_tasks
from gitbaton.domain.planstory import tell_plan
from gitbaton.domain.proposing import Wish, build_schema, judge_path, render_wish
from gitbaton.domain.role import Role
from gitbaton.domain.rules import Finding, check_graph
from gitbaton.domain.waves import Work, find_longest, plan_waves

GOLDEN = Path(__file__).parent / "golden"
THERE = {
    "old": TaskRow("old", "tasks/old.yaml", "Old", depends_on=("older",)),
    "older": TaskRow("older", "tasks/older.yaml", "Older"),
}


def draft(tasks: list[Any], **ground: Any) -> tuple[list[Draft], list[Finding]]:
    whole = Breakdown.model_validate({"tasks": tasks})
    base = Ground(THERE, {*THERE, "gone"}, plan="plan")._replace(**ground)
    numbers = count(1)
    given = list_given(tasks, whole.tasks)
    return draft_tasks(given, base, lambda title, taken: make_id(title, taken, lambda: f"x{next(numbers)}"))


def said(findings: list[Finding]) -> list[str]:
    return [f"{'.'.join(map(str, f.field))} {f.code}" for f in findings]


def test_others_are_named_by_number_title_and_id() -> None:
    drafts, findings = draft(
        [
            "Draw  it",
            {"title": "Build it", "id": "b", "depends_on": ["1", "OLDER"], "labels": [], "role": None},
            {"title": "Old", "depends_on": ["draw it", "1", "b"], "parent": "old"},
        ]
    )
    assert findings == []
    assert drafts == [
        Draft("draw-it", {"plan": "plan", "title": "Draw it"}),
        Draft("b", {"plan": "plan", "title": "Build it", "depends_on": ["draw-it", "older"]}),
        Draft("old-x1", {"plan": "plan", "title": "Old", "depends_on": ["draw-it", "b"], "parent": "old"}),
    ]


@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ([], ["tasks too-short"]),
        ([{}], ["tasks.0.title missing-field"]),
        (["A", {"title": "B", "depends_on": ["3"]}], ["tasks.1.depends_on.0 unknown-id"]),
        (["A", "A", {"title": "B", "depends_on": ["a", "2", "nope"]}], ["tasks.2.depends_on.2 unknown-id"]),
        (["A b", "A b", {"title": "B", "depends_on": ["A b"]}], ["tasks.2.depends_on.0 unknown-id"]),
        ([{"title": "A", "id": "old"}], ["tasks.0.id taken-id"]),
        ([{"title": "A", "id": "gone"}], ["tasks.0.id taken-id"]),
        ([{"title": "A", "id": "con"}], ["tasks.0.id bad-id"]),
        ([{"title": "A", "id": "x"}, {"title": "B", "id": "x"}], ["tasks.1.id duplicate-id"]),
        ([{"title": "A", "plan": "other", "version": 1}], ["tasks.0.plan not-here", "tasks.0.version not-here"]),
        ([{"title": "A", "depends_on": ["A"]}], ["tasks.0.depends_on.0 depends-on-itself"]),
        (
            [{"title": "A", "depends_on": ["2"]}, {"title": "B", "depends_on": ["1"]}],
            ["tasks.0.depends_on.0 dependency-cycle"],
        ),
        ([{"title": "A", "parent": "2"}, {"title": "B", "parent": "1"}], ["tasks.0.parent parent-cycle"]),
        (["A", {"title": "B", "parent": "1", "depends_on": ["1"]}], ["tasks.1.depends_on.0 depends-on-ancestor"]),
        # older waits for its new part, which waits for old, which waits for older
        ([{"title": "A", "parent": "older", "depends_on": ["old"]}], ["tasks.0.depends_on.0 dependency-cycle"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_where_it_stands(tasks: list[Any], problem: list[str]) -> None:
    assert said(draft(tasks)[1]) == problem


def test_tasks_of_the_plan_may_be_changed_while_they_are_fresh() -> None:
    ground = {"mine": {"old"}, "fixed": {"older": "older stays as it is: it is done"}}
    drafts, findings = draft([{"id": "old", "depends_on": [], "estimate": "2h"}], **ground)
    assert (drafts, findings) == ([Draft("old", {"depends_on": None, "estimate": "2h"}, exists=True)], [])
    assert said(draft([{"id": "older", "title": "X"}], **ground)[1]) == ["tasks.0.id not-changeable"]


def test_parts_have_what_they_do_not_say_from_the_whole_and_wait_for_what_it_waits_for() -> None:
    ground = {"parent": "old", "inherited": {"role": "tester", "priority": "high"}, "gate": ["older"], "plan": None}  # fmt: skip
    drafts, findings = draft(["A", {"title": "B", "depends_on": ["1"], "role": "reviewer"}], **ground)
    assert findings == []
    assert [d.value for d in drafts] == [
        {"role": "tester", "priority": "high", "parent": "old", "title": "A", "depends_on": ["older"]},
        {"role": "reviewer", "priority": "high", "parent": "old", "title": "B", "depends_on": ["a"]},
    ]


NAMES = st.sampled_from(["A", "B", "C", "1", "2", "3", "4", "old", "older", "x", "a", "nope"])
ITEMS = st.one_of(
    st.sampled_from(["A", "B", "C", "Old", "con", "…"]),
    st.fixed_dictionaries(
        {"title": st.sampled_from(["A", "B", "C", "", "Old", "日本"])},
        optional={
            "id": st.sampled_from(["x", "y", "a", "old", "con"]),
            "depends_on": st.lists(NAMES, max_size=3),
            "parent": NAMES,
        },
    ).filter(lambda item: item["title"] or "id" in item),
)


@given(st.lists(ITEMS, max_size=6))
def test_what_is_taken_is_free_of_circles_and_its_ids_were_free(tasks: list[Any]) -> None:
    titled = [t if isinstance(t, str) or t["title"] else {k: v for k, v in t.items() if k != "title"} for t in tasks]  # fmt: skip
    drafts, findings = draft(titled)
    if findings:
        return
    ids = [d.id for d in drafts]
    assert len(ids) == len(set(ids)) == len(tasks)
    assert not {*THERE, "gone"} & set(ids)
    assert [explain_bad_id(i) for i in ids] == [None] * len(ids)
    rows = {d.id: TaskRow(d.id, d.id, d.value["title"], depends_on=tuple(d.value.get("depends_on", ())), parent=d.value.get("parent")) for d in drafts}  # fmt: skip
    assert list(check_graph({**THERE, **rows}.values())) == []
    known = {*ids, *THERE}
    assert all({*r.depends_on, r.parent or "old"} <= known for r in rows.values())


# -- the order of work -------------------------------------------------------------------------------------


def test_waves() -> None:
    work = {
        "a": Work(paths=("src/**",)),
        "b": Work(paths=("src/b.py",)),
        "c": Work(paths=("docs",)),
        "sum": Work(needs=("a", "b"), is_sum=True),
        "d": Work(needs=("sum", "elsewhere")),
        "e": Work(needs=("e",)),
        "f": Work(needs=("e",)),
    }
    assert plan_waves(work) == ([["a", "c"], ["b"], ["d"]], ["e", "f"])
    assert plan_waves({}) == ([], [])


@given(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.tuples(
            st.lists(st.sampled_from("abcdefg"), max_size=3),
            st.lists(st.sampled_from(["src", "src/a", "docs"]), max_size=2),
            st.booleans(),
        ).map(lambda t: Work(tuple(t[0]), tuple(t[1]), t[2])),
        max_size=6,
    )
)
def test_nothing_in_a_wave_waits_for_it_or_touches_the_same(work: dict[str, Work]) -> None:
    waves, stuck = plan_waves(work)
    flat = [t for wave in waves for t in wave]
    sums = {t for t, w in work.items() if w.is_sum}
    assert len(flat) == len(set(flat))
    assert {*flat, *stuck} | sums == set(work)
    at = {t: n for n, wave in enumerate(waves) for t in wave}
    for task, number in at.items():
        assert all(at[n] < number for n in work[task].needs if n in at)
        others = [o for o in waves[number] if o != task]
        assert not (work[task].paths and any({*work[task].paths} & {*work[o].paths} for o in others))


def test_the_longest_chain() -> None:
    needs = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "x": ["y"], "y": ["x"]}
    assert find_longest(needs, {"a": 1, "b": 5, "c": 2, "d": 1}) == (["a", "b", "d"], 7)
    assert find_longest(needs, {"a": 1, "b": 1, "c": 1, "d": 0}) == (["a", "b"], 2)
    assert find_longest({}, {}) == ([], 0.0)
    assert find_longest({"x": ["x"]}, {"x": 1}) == ([], 0.0)


def test_work_in_words() -> None:
    assert [render_work(h * 3600) for h in (0.25, 1, 2.5, 8, 12, 80)] == ["15 min", "1h", "2.5h", "1 day", "1.5 days", "10 days"]  # fmt: skip


def test_a_pull_request_shows_the_plan_and_nobodys_markup() -> None:
    told = tell_plan(
        {"goal": "Sign in.", "acceptance": ["It works", {"text": "Twice"}]},
        [
            (
                "a",
                {"title": "A | <img src=x> `b`", "role": "tester", "complexity": "simple", "estimate": "1h"},
            ),
            ("b", {"title": "B", "depends_on": ["a", "old"], "paths": ["src/**"]}),
        ],
        cancelled=["c"],
    )
    assert told == (
        "Sign in.\n\n**Done when**\n\n- It works\n- Twice\n\n"
        "| task | title | role | size | needs | paths |\n| --- | --- | --- | --- | --- | --- |\n"
        "| `a` | A \\| &lt;img src=x> 'b' | tester | simple, 1h |  |  |\n"
        "| `b` | B |  |  | `a`, `old` | `src/**` |\n\n"
        '```mermaid\ngraph LR\n  t0["a"]\n  t1["b"]\n  t0 --> t1\n```\n\n'
        "**Cancelled:** `c`\n\n"
        "Merging this approves the plan: its tasks can be worked on from then on."
    )


def test_what_a_planner_is_told_reads_well() -> None:
    """Kept as files, to be read: ``golden/wish-*.md``."""
    role = Role(purpose="Decides how a change is cut.", guidance="- Begin with the forces.")
    told = {
        "plan": Wish("plan", "Build auth", "Sign in with mail.\nNo passwords.", "People sign in.", None, ["`old`: Old (ready)"], (), ("implementer", "tester"), role, 10),
        "revise": Wish("revise", "Build auth", "Do without mail", "People sign in.", "# tasks/plans/auth.yaml\ntitle: Build auth", (), ["`store`: Store (in progress)"], (), role),
        "split": Wish("split", "Store passwords", None, None, "# tasks/store.yaml\ntitle: Store passwords", ["`old`: Old (ready)"], (), ("tester",), role),
    }  # fmt: skip
    for name, wish in told.items():
        assert render_wish(wish) == (GOLDEN / f"wish-{name}.md").read_text("utf-8"), name


def test_the_schema_of_a_plan_is_one() -> None:
    for verb in ("plan", "revise", "split"):
        schema = build_schema(Wish(verb, "X", tasks_max=3))
        Draft202012Validator.check_schema(schema)
        assert schema["properties"]["tasks"]["maxItems"] == 3


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("src/**", False), ("docs/a b.md", False), ("src/*.py", False), ("a/..b/c", False), ("tasks.md", False),
        ("/etc/passwd", True), ("~/x", True), ("../x", True), ("a/../../x", True), ("C:/x", True), ("a\\b", True),
        ("**", True), (".", True), ("./", True), ("*", True), ("tasks", True), ("tasks/", True), ("tasks/x.yaml", True),
        (".github/**", True), ("pkg/CLAUDE.md", True), (".GitHub/workflows", True), (".git/hooks", True), ("x" * 301, True),
    ],
)  # fmt: skip
def test_paths_of_proposed_tasks(path: str, wrong: bool) -> None:
    assert (judge_path(path, ()) is not None) == wrong
    assert judge_path(".github/workflows/x.yml", [".github/**"]) is None, "the config allows it"
