"""How hard a task is judged, what that decides, and what an approval is bound to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.approval import digest_wanted, judge_approval
from gitbaton.domain.complexity import LEVELS, Size, find_level, find_places, judge_complexity, measure_task
from gitbaton.domain.config import Config
from gitbaton.domain.handoff import Handoff, PeerReview
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.routing import (
    DEFAULTS,
    Routing,
    choose_run,
    find_merge_obstacle,
    find_policy,
    list_gates,
)
from gitbaton.domain.state import Attempt
from gitbaton.domain.task import Acceptance, Approval, Task

HARD = "Redesign the login: migrate passwords and permissions, rewrite the distributed scheduler, and the api with it"


def attempts(*outcomes: str | None) -> list[Attempt]:
    return [
        Attempt(number=n, run=f"r{n}", agent="a", started="t", outcome=Outcome(o) if o else None)
        for n, o in enumerate(outcomes, 1)
    ]


@pytest.mark.parametrize(
    ("size", "level", "words"),
    [
        (Size("Fix a typo in the readme"), "simple", ['a small, well-known kind of change: "typo"']),
        (Size("Add a page"), "simple", []),
        (Size("Add a page", acceptance=9), "simple", ["it has 9 acceptance criteria"]),
        (
            Size("Add a webhook", "Payments are told to billing.", acceptance=5), "medium",
            ['a matter in which a mistake costs much: "payments", "billing"', 'something that others depend on: "webhook"',
             "it has 5 acceptance criteria"],
        ),
        (
            Size("Refactor it", paths=("src/a/**", "src/b/**", "web/**", "tests/**"), dependents=3, failures=2), "complex",
            ['a change that goes wide: "refactor"', "its paths lie in 3 places (src/a, src/b, web)", "3 tasks wait for it",
             "attempts at it failed 2 times"],
        ),
        (Size(HARD), "critical", None),
        (Size("Name the author on the page of authors"), "simple", []),
    ],
)  # fmt: skip
def test_a_task_is_judged_and_every_point_has_a_reason(
    size: Size, level: str, words: list[str] | None
) -> None:
    judgement = judge_complexity(size)
    assert judgement.score == max(0, min(100, sum(r.points for r in judgement.reasons)))
    assert judgement.level == judgement.judged == level, judgement
    if words is not None:
        assert [r.words for r in judgement.reasons] == words


def test_what_is_given_counts_and_what_is_judged_is_told() -> None:
    judgement = judge_complexity(Size(HARD), "simple")
    assert (judgement.level, judgement.judged, judgement.given) == ("simple", "critical", "simple")


@pytest.mark.parametrize(
    ("size", "given", "into"),
    [
        (Size("Add a page"), None, 0),
        (Size("Add a page"), "complex", 2),
        (Size("Add a page", acceptance=7), None, 3),
        (Size("Add a page", description="\n".join(f"{n}. step" for n in range(1, 11))), None, 4),
        (Size("Add a page", failures=2), None, 2),
        (Size("Add a page", acceptance=100), "critical", 8),
        (Size("Add a page", acceptance=100, parts=1), "critical", 0),
    ],
)
def test_what_is_large_or_failed_is_to_be_split(size: Size, given: Any, into: int) -> None:
    judgement = judge_complexity(size, given)
    assert judgement.split_into == into
    assert bool(judgement.split_why) == bool(into)


@given(st.lists(st.sampled_from([*Outcome, None]), max_size=6), st.integers(0, 30), st.integers(0, 9))
def test_more_of_anything_never_makes_it_easier(
    history: list[Outcome | None], acceptance: int, dependents: int
) -> None:
    task = Task(title="Add a page", acceptance=tuple(Acceptance(text=f"a{n}") for n in range(acceptance)))
    past = [Attempt(number=n, run="r", agent="a", started="t", outcome=o) for n, o in enumerate(history, 1)]
    base = judge_complexity(measure_task(task, dependents=dependents, attempts=past)).score
    more = [
        judge_complexity(measure_task(task, dependents=dependents + 1, attempts=past)).score,
        judge_complexity(
            measure_task(task, dependents=dependents, attempts=[*past, *attempts("checks_failed")])
        ).score,
        judge_complexity(measure_task(task, dependents=dependents, attempts=past, changes_wanted=True)).score,
    ]
    assert all(score >= base for score in more)
    going_on = judge_complexity(measure_task(task, dependents=dependents, attempts=[*past, *attempts(None)]))
    assert going_on.score == base, "an attempt that goes on changes nothing"
    assert LEVELS.index(find_level(base)) == sum(base >= least for least in (20, 45, 70))


def test_machines_that_fail_say_nothing_about_the_task() -> None:
    size = measure_task(Task(title="T"), attempts=attempts("crashed", "rate_limited", "stopped", "needs_input", "timeout", "succeeded", "succeeded"))  # fmt: skip
    assert (size.failures, size.changes_requested, size.attempts) == (1, 1, 7)


def test_places_are_folders_of_code() -> None:
    paths = (
        "src/api/**",
        "src/api/x.py",
        "tests/**",
        "docs/a.md",
        "**",
        "Makefile",
        "web/app/deep/x/**",
        "lib",
    )
    assert find_places(paths) == ["src/api", "Makefile", "web/app", "lib"]


# -- policies ----------------------------------------------------------------------------------------------


def policy_of(config: dict[str, Any], task: dict[str, Any]) -> Any:
    settings = Config.model_validate(config)
    made = Task.model_validate({"title": "Job", **task})
    return find_policy(
        settings.routing, settings.checks, judge_complexity(measure_task(made), made.complexity)
    )


@pytest.mark.parametrize(
    ("routing", "task", "on"),
    [
        ({}, {}, set()),
        ({}, {"title": HARD}, set()),
        ({}, {"complexity": "simple"}, set()),
        ({}, {"complexity": "medium"}, {"tests"}),
        ({}, {"complexity": "complex"}, {"tests", "breakdown", "peer_review"}),
        ({}, {"complexity": "critical"}, {"tests", "breakdown", "peer_review", "approval"}),
        ({"judge": True}, {"title": HARD}, {"tests", "breakdown", "peer_review"}),
        ({"judge": True, "simple": {"auto_merge": True, "approval": True}}, {}, set()),
        ({"simple": {"auto_merge": True, "approval": True}}, {"complexity": "simple"}, {"auto_merge", "approval"}),
        ({"complex": {"peer_review": False, "breakdown": False}}, {"complexity": "complex"}, {"tests"}),
        ({"medium": {"peer_review": True}}, {"complexity": "medium"}, {"tests", "peer_review"}),
        ({"judge": True, "critical": {"breakdown": "required"}}, {"title": HARD}, {"tests", "breakdown", "peer_review"}),
    ],
)  # fmt: skip
def test_what_a_level_decides(routing: dict[str, Any], task: dict[str, Any], on: set[str]) -> None:
    policy = policy_of({"routing": routing}, task)
    names = ("tests", "breakdown", "peer_review", "approval", "auto_merge")
    assert {name for name in names if getattr(policy, name).value} == on
    assert policy.breakdown.value != "required", "what is only judged stops nobody"
    assert all(getattr(policy, name).source for name in names)


def test_gates_are_those_of_the_config() -> None:
    assert list_gates(Routing()) == (("critical",), (), ("complex", "critical"))
    said = {
        "critical": {"approval": False},
        "medium": {"approval": True},
        "complex": {"breakdown": "required"},
    }
    assert list_gates(Routing.model_validate(said)) == (("medium",), ("complex",), ("critical",))
    assert tuple(DEFAULTS) == LEVELS


def test_task_comes_before_role_before_route_before_config() -> None:
    from gitbaton.domain.role import Role

    config = Config.model_validate({
        "checks": [{"name": "lint", "run": "l"}, {"name": "tests", "run": "t"}],
        "run": {"max_turns": 9}, "agents": {"a": {"model": "small"}},
        "routing": {"simple": {"model": "tiny", "max_turns": 5, "budget_usd": 1.5, "checks": ["lint", {"name": "q", "run": "q"}]}},
    })  # fmt: skip
    role = Role.model_validate({"purpose": "p", "model": "big", "checks": [{"name": "r", "run": "r"}]})

    def run(complexity: str | None, of_task: dict[str, Any], by: Role | None) -> Any:
        task = Task.model_validate({"title": "Job", "complexity": complexity, "run": of_task})
        judgement = judge_complexity(measure_task(task), task.complexity)
        policy = find_policy(config.routing, config.checks, judgement)
        return choose_run(task.run, by, "expert", policy, config, "a", config.agents["a"])

    def told(found: Any) -> list[tuple[Any, str]]:
        return [tuple(getattr(found, name)) for name in ("model", "max_turns", "budget_usd")]

    task, route, general = (
        "run of the task (run.{})",
        "routing.simple in tasks/config.yaml",
        "tasks/config.yaml",
    )
    assert told(run(None, {}, None)) == [
        ("small", "agent a"),
        (9, f"run.max_turns in {general}"),
        (None, "not limited"),
    ]
    assert told(run("simple", {}, None)) == [("tiny", route), (5, route), (1.5, route)]
    assert told(run("simple", {}, role)) == [("big", "role expert"), (5, route), (1.5, route)]
    own = {"model": "mine", "max_turns": 2, "budget_usd": 9.0, "checks": [{"name": "m", "run": "m"}]}
    assert told(run("simple", own, role)) == [
        ("mine", task.format("model")), (2, task.format("max_turns")), (9.0, task.format("budget_usd"))
    ]  # fmt: skip
    assert [c.value.name for c in run(None, own, role).checks] == ["lint", "tests", "r", "m"]
    assert [(c.value.name, c.source) for c in run("simple", own, role).checks] == [
        ("lint", route), ("q", route), ("r", "role expert"), ("m", task.format("checks"))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("handoff", "peer", "why"),
    [
        ({"verified": True}, None, "no second agent has accepted it"),
        ({"verified": True}, {"error": "it failed"}, "no second agent has accepted it"),
        ({"verified": True}, {"verdict": "change"}, "a second agent wants changes"),
        ({"verified": True}, {"verdict": "accept"}, None),
        ({}, {"verdict": "accept"}, "no check vouches for it"),
        (
            {"verified": True, "remaining": ["x"]},
            {"verdict": "accept"},
            "its author says that something remains",
        ),
        ({"verified": True, "questions": ["x"]}, {"verdict": "accept"}, "its author asks a person something"),
    ],
)
def test_what_keeps_work_from_being_merged_by_itself(
    handoff: dict[str, Any], peer: Any, why: str | None
) -> None:
    policy = policy_of({}, {"complexity": "complex"})
    left = Handoff(**handoff, peer_review=PeerReview(**peer) if peer else None)
    assert find_merge_obstacle(policy, Outcome.SUCCEEDED, left) == why
    assert find_merge_obstacle(policy, Outcome.DELIVERED, left) is not None


# -- approvals ---------------------------------------------------------------------------------------------

WANTED = {"title": "T", "description": "D", "acceptance": [{"text": "a"}, {"text": "b"}], "paths": ["src"]}


def approved(fields: dict[str, Any], of: str) -> Task:
    return Task.model_validate({**fields, "approved": Approval(by="Ann", of=of)})


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        (
            {
                "status": "draft",
                "priority": "high",
                "labels": ["x"],
                "hold": "h",
                "depends_on": ["z"],
                "plan": "p",
            },
            True,
        ),
        ({"acceptance": [{"text": "a", "checked": True}, {"text": "b"}]}, True),
        ({"complexity": "critical"}, True),
        ({"title": "Other"}, False),
        ({"description": "D."}, False),
        ({"acceptance": [{"text": "a"}]}, False),
        ({"paths": []}, False),
        ({"run": {"allowed_tools": ["Bash"]}}, False),
        ({"role": "devops"}, False),
        ({"clarifications": [{"text": "delete more"}]}, False),
    ],
)
def test_an_approval_holds_for_what_was_approved(change: dict[str, Any], holds: bool) -> None:
    of = digest_wanted(Task.model_validate(WANTED))
    assert judge_approval(approved({**WANTED, **change}, of)) == ("given" if holds else "outdated")
    assert judge_approval(Task.model_validate(WANTED)) is None
