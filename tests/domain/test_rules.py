"""Rules between files, each on the smallest set of files that breaks it."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from domain.strategies import ROWS
from gitbaton.domain.board import TaskRow, fold_board
from gitbaton.domain.config import Config
from gitbaton.domain.plan import Plan
from gitbaton.domain.role import Role
from gitbaton.domain.rules import (
    Finding,
    PlanRow,
    Reference,
    check_graph,
    check_links,
    check_names,
    check_roles,
    check_unique,
    iter_references,
    list_unknown,
)
from gitbaton.domain.task import Task
from gitbaton.domain.workflow import Workflow


def row(task: str, *needs: str, **fields: Any) -> TaskRow:
    return TaskRow(id=task, path=f"tasks/{task}.yaml", title=task, depends_on=needs, **fields)


def graph(*rows: TaskRow) -> list[tuple[str, tuple[str | int, ...], str, str]]:
    """Findings as (id, field, code, message), sorted."""
    return sorted((f.path[6:-5], f.field, f.code, f.message) for f in check_graph(rows))


# -- ids --------------------------------------------------------------------------------------------


def test_an_id_is_used_once_without_regard_to_case() -> None:
    files = [
        ("task", "a", "tasks/a.yaml"),
        ("task", "A", "tasks/old/A.yaml"),
        ("task", "a", "tasks/x/a.yaml"),
        ("plan", "a", "tasks/plans/a.yaml"),  # plans have ids of their own
        ("task", "b", "tasks/b.yaml"),
    ]
    said = "is used elsewhere, too:"
    assert list(check_unique(files)) == [
        Finding(
            "tasks/a.yaml", (), "duplicate-id", f"the task id 'a' {said} tasks/old/A.yaml, tasks/x/a.yaml"
        ),
        Finding(
            "tasks/old/A.yaml", (), "duplicate-id", f"the task id 'A' {said} tasks/a.yaml, tasks/x/a.yaml"
        ),
        Finding(
            "tasks/x/a.yaml", (), "duplicate-id", f"the task id 'a' {said} tasks/a.yaml, tasks/old/A.yaml"
        ),
    ]


# -- links ------------------------------------------------------------------------------------------


def test_what_is_named_must_be_there() -> None:
    rows = [row("add-login", "add-cache", "add-cahce", parent="epc", plan="account")]
    known = ["add-login", "add-cache", "epic"]  # a broken file is there, too
    assert list(check_links(rows, [], known, ["accounts"])) == [
        Finding(
            "tasks/add-login.yaml",
            ("depends_on", 1),
            "dangling-dependency",
            "there is no task 'add-cahce', did you mean 'add-cache'?",
        ),
        Finding(
            "tasks/add-login.yaml",
            ("parent",),
            "dangling-parent",
            "there is no task 'epc', did you mean 'epic'?",
        ),
        Finding(
            "tasks/add-login.yaml",
            ("plan",),
            "dangling-plan",
            "there is no plan 'account', did you mean 'accounts'?",
        ),
    ]


def test_a_plan_and_its_tasks_say_the_same() -> None:
    rows = [row("in", plan="p"), row("other", plan="q"), row("none")]
    plan = PlanRow("p", "tasks/plans/p.yaml", ("in", "other", "none", "broken", "zzz"))
    assert list(check_links(rows, [plan], ["in", "other", "none", "broken"], ["p", "q"])) == [
        Finding("tasks/plans/p.yaml", ("tasks", 1), "plan-mismatch", "tasks/other.yaml says plan: q"),
        Finding(
            "tasks/plans/p.yaml", ("tasks", 2), "plan-mismatch", "tasks/none.yaml says no plan; add plan: p"
        ),
        Finding("tasks/plans/p.yaml", ("tasks", 4), "dangling-task", "there is no task 'zzz'"),
    ]


def test_many_slips_don_t_take_minutes() -> None:
    known = [f"task-number-{n}" for n in range(2000)]
    rows = [row(name, f"tsak-{name}") for name in known]
    found = list(check_links(rows, [], known, []))
    assert len(found) == 2000
    assert "did you mean" in found[0].message
    assert found[-1].message == "there is no task 'tsak-task-number-1999'"


# -- the graph --------------------------------------------------------------------------------------


def test_a_sound_graph_has_no_findings() -> None:
    assert graph(row("a", "b", "gone"), row("b", parent="p"), row("p", "c", parent="gone"), row("c")) == []


def test_a_task_can_t_depend_on_itself() -> None:
    assert graph(row("a", "b", "a"), row("b")) == [
        ("a", ("depends_on", 1), "depends-on-itself", "it depends on itself"),
    ]


def test_a_circle_is_told_once_at_its_smallest_id() -> None:
    assert graph(row("c", "a"), row("a", "x", "b"), row("b", "c"), row("x")) == [
        ("a", ("depends_on", 1), "dependency-cycle", "dependencies in a circle: a → b → c → a"),
    ]


def test_circles_apart_are_each_told() -> None:
    assert graph(row("a", "b"), row("b", "a"), row("y", "z"), row("z", "y")) == [
        ("a", ("depends_on", 0), "dependency-cycle", "dependencies in a circle: a → b → a"),
        ("y", ("depends_on", 0), "dependency-cycle", "dependencies in a circle: y → z → y"),
    ]


def test_parents_can_t_go_round() -> None:
    assert graph(row("a", parent="a"), row("x", parent="z"), row("y", parent="x"), row("z", parent="y")) == [
        ("a", ("parent",), "parent-cycle", "it is its own parent"),
        ("x", ("parent",), "parent-cycle", "parents in a circle: x → z → y → x"),
    ]


def test_a_part_can_t_wait_for_its_whole() -> None:
    assert graph(row("leaf", "b", "top", parent="mid"), row("mid", parent="top"), row("top"), row("b")) == [
        (
            "leaf",
            ("depends_on", 1),
            "depends-on-ancestor",
            "'top' is done when its parts are, and this is one of them",
        ),
    ]


def test_a_circle_may_close_through_a_parent() -> None:
    assert graph(row("part", "other", parent="whole"), row("other", "whole"), row("whole")) == [
        (
            "other",
            ("depends_on", 0),
            "dependency-cycle",
            "nothing of this can start: other → whole → part → other (whole waits for its part part)",
        ),
    ]


def test_a_parent_may_name_its_parts_as_dependencies() -> None:
    assert graph(row("whole", "part"), row("part", parent="whole")) == []


@given(ROWS)
def test_without_findings_everything_can_be_done(rows: list[TaskRow]) -> None:
    """What the rules are for: with sound files, working off what is ready ends with nothing left waiting."""
    plain = [r._replace(status="todo", hold=None, local=None, plan=None, complexity=None) for r in rows]
    ids = {r.id for r in plain}
    sound = [r._replace(depends_on=tuple(n for n in r.depends_on if n in ids)) for r in plain]
    left = list(sound)
    while True:
        board = fold_board(left, (), {}, now=0.0, attempts_max=1)
        ready = [task for task, entry in board.entries.items() if entry.claimable]
        if not ready:
            break
        left = [r._replace(status="done") if r.id in ready else r for r in left]
    stuck = [task for task, entry in board.entries.items() if entry.state != "done"]
    findings = list(check_graph(sound))
    assert findings or not stuck
    if not any(r.parent for r in sound):  # a parent's own dependencies don't keep it from being done
        assert stuck or not findings


# -- names ------------------------------------------------------------------------------------------

CONFIG = Config.model_validate(
    {
        "agents": {"ci": {"adapter": "command", "command": ["x"]}},
        "milestones": {"beta": {}},
        "services": {"api": {}},
        "run": {"mcp_servers": {"docs": {}}},
    }
)
ROLES = ["implementer", "tester", "devops"]


def names(config: Config, **named: str) -> list[tuple[str, str]]:
    references = [Reference("p", (noun,), noun.replace("_", " "), name) for noun, name in named.items()]
    return [(f.code, f.message) for f in check_names(references, config, ROLES)]


def test_names_that_are_known_are_fine() -> None:
    known = {"agent": "ci", "MCP_server": "docs", "milestone": "beta", "service": "api", "role": "tester"}
    assert names(CONFIG, **known) == []
    assert names(Config(), agent="claude") == []


def test_unknown_names() -> None:
    assert names(CONFIG, agent="cI", MCP_server="doc", milestone="betta", service="web") == [
        ("unknown-agent", "tasks/config.yaml has no agent 'cI', did you mean 'ci'?"),
        ("unknown-mcp-server", "tasks/config.yaml has no MCP server 'doc', did you mean 'docs'?"),
        ("unknown-service", "tasks/config.yaml has no service 'web'"),
    ]


def test_without_a_list_milestones_and_services_are_free_but_agents_and_servers_are_not() -> None:
    assert names(Config(), agent="ci", MCP_server="docs", milestone="beta", service="api") == [
        ("unknown-agent", "tasks/config.yaml has no agent 'ci'"),
        ("unknown-mcp-server", "tasks/config.yaml has no MCP server 'docs'"),
    ]


def test_names_that_nobody_described_are_noted_once() -> None:
    said = [
        Reference("p", ("role",), "role", "wizard"),
        Reference("q", ("role",), "role", "wizard"),
        Reference("p", ("role",), "role", "TESTER"),
        Reference("p", ("milestone",), "milestone", "betta"),
        Reference("q", ("milestone",), "milestone", "beta"),
        Reference("r", ("milestone",), "milestone", "v1"),
    ]
    assert [(f.path, f.code, f.message) for f in list_unknown(said, CONFIG, ROLES)] == [
        ("p", "undescribed-role", "nobody described the role 'wizard', so it adds no guidance"),
        ("p", "unknown-milestone", "tasks/config.yaml has no milestone 'betta', did you mean 'beta'?"),
        ("r", "unknown-milestone", "tasks/config.yaml has no milestone 'v1'; so it has no date and no goal"),
    ]


def test_a_role_extends_another_one() -> None:
    def role(**fields: str) -> tuple[str, Role]:
        return ("p", Role.model_validate(fields))

    own = {"a": role(extends="B"), "b": role(extends="a"), "tester": role(extends="tester"), "c": role(extends="c"), "d": role(extends="tseter"), "e": role(extends="d")}  # fmt: skip
    names = {name: name for name in (*own, "implementer")}
    assert [(f.code, f.message) for f in check_roles(own, names, ["tester", "implementer"])] == [
        ("role-cycle", "it extends itself"),
        ("dangling-role", "there is no role 'tseter', did you mean 'tester'?"),
        ("role-cycle", "roles extend one another in a circle: a → b → a"),
    ]


def test_a_role_is_free_unless_it_looks_like_a_slip() -> None:
    assert names(CONFIG, role="designer") == []
    assert names(CONFIG, role="qa") == []
    assert names(CONFIG, role="Implementor") == [
        ("unknown-role", "unknown role 'Implementor', did you mean 'implementer'?")
    ]
    assert names(CONFIG, role="Tester") == [], "capitals don't matter"
    assert names(CONFIG, role="Tseter") == [("unknown-role", "unknown role 'Tseter', did you mean 'tester'?")]


def test_references_of_each_document() -> None:
    task = Task.model_validate(
        {
            "title": "t",
            "role": "r",
            "milestone": "m",
            "service": "s",
            "run": {"agent": "a", "mcp_servers": ["x", "y"]},
        }
    )
    assert list(iter_references("p", task)) == [
        Reference("p", ("role",), "role", "r"),
        Reference("p", ("milestone",), "milestone", "m"),
        Reference("p", ("service",), "service", "s"),
        Reference("p", ("run", "agent"), "agent", "a"),
        Reference("p", ("run", "mcp_servers", 0), "MCP server", "x"),
        Reference("p", ("run", "mcp_servers", 1), "MCP server", "y"),
    ]
    assert list(iter_references("p", Task(title="t"))) == []
    plan = Plan(title="p", milestone="m")
    assert list(iter_references("p", plan)) == [Reference("p", ("milestone",), "milestone", "m")]
    flow = Workflow.model_validate(
        {"title": "w", "steps": [{"id": "a", "title": "a"}, {"id": "b", "title": "b", "role": "r"}]}
    )
    assert list(iter_references("p", flow)) == [Reference("p", ("steps", 1, "role"), "role", "r")]
    assert list(iter_references("p", Config(agent="a"))) == [Reference("p", ("agent",), "agent", "a")]
