"""Workflows: what must hold in one, and the tasks it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gitbaton.domain import ids
from gitbaton.domain.filling import fill_command, fill_line, fill_text, parse_condition
from gitbaton.domain.instantiate import instantiate
from gitbaton.domain.recipe import check_workflow, list_unused
from gitbaton.domain.rules import check_graph, check_links
from gitbaton.domain.task import Task
from gitbaton.domain.workflow import Workflow
from gitbaton.errors import BatonError, Refusal, UsageError
from gitbaton.store.documents import judge_document, parse_document, render_document, row_of
from gitbaton.store.yamlfile import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gitbaton.domain.instantiate import NewTask


def flow(*steps: dict[str, Any], **fields: Any) -> Workflow:
    whole = [{"title": step["id"].capitalize(), **step} for step in steps]
    return Workflow.model_validate({"title": "w", "steps": whole, **fields})


def make_id(title: str, taken: Collection[str]) -> str:
    return ids.make_id(title, taken, lambda: f"x{len(taken)}")


def run(workflow: Workflow, /, **given: str) -> tuple[NewTask, ...]:
    return instantiate(workflow, given, make_id=make_id)


def needs(tasks: tuple[NewTask, ...]) -> dict[str, list[str]]:
    """Step → steps it depends on."""
    steps = {task.id: task.step for task in tasks}
    return {task.step: [steps[n] for n in task.fields.get("depends_on", ())] for task in tasks}


# -- filling in ------------------------------------------------------------------------------------------------


def test_what_is_not_set_takes_its_line_along() -> None:
    text = "Add {{ name }}.\n\nWhere: {{where}}\n\nNotes:\n  {{notes}}\n"
    assert fill_text(text, {"name": "x"}) == "Add x.\n\nNotes:\n"
    assert fill_text(text, {"name": "x", "notes": "a\nb"}) == "Add x.\n\nNotes:\n  a\n  b\n"
    assert fill_text("{{where}}", {}) is None
    assert fill_line("{{a}} and {{a}}", {"a": "{{b}}\n c"}) == "{{b}} c and {{b}} c", (
        "values are not looked into"
    )
    assert fill_text("${{ secrets.KEY }} {{}}", {}) == "${{ secrets.KEY }} {{}}", "these are somebody else's"


def test_a_value_can_t_get_out_of_a_command() -> None:
    assert fill_command("pytest -k {{name}}", {"name": "a; rm -rf ~"}) == "pytest -k 'a; rm -rf ~'"
    assert fill_command("{{command}}", {"command": "pytest -q && ruff ."}) == "pytest -q && ruff ."
    assert fill_command("pytest {{name}}", {}) is None


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        ("a", {"a": "x"}, True),
        ("a", {}, False),
        ("a", {"a": "No"}, False),
        ("! a", {"a": "false"}, True),
        ("a == b c", {"a": "b c"}, True),
        ("a=='b c'", {"a": "b c"}, True),
        ("a == b", {"a": "B"}, False),
        ("a != b", {}, True),
        ("a != b", {"a": "b"}, False),
    ],
)
def test_conditions(condition: str, values: dict[str, str], holds: bool) -> None:
    assert parse_condition(condition).holds(values) is holds


@pytest.mark.parametrize("text", ["", "a b", "!a == b", "a ==", "a = b", "a == ''", "a and b"])
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|a condition is"):
        parse_condition(text)


# -- what must hold --------------------------------------------------------------------------------------------


def test_every_mistake_is_told_at_once() -> None:
    wrong = flow(
        {"id": "build", "depends_on": ["tset"], "title": "Build {{what}} {{round}}", "paths": ["{{nmae}}"]},
        {"id": "test", "depends_on": ["build", "ship"], "when": "deep", "parent": "nowhere"},
        {"id": "ship", "depends_on": ["test"], "when": "wide", "title": "Ship {{name}}"},
        {"id": "build", "title": "again"},
        {"id": "odd", "when": "deep and wide", "hold": "{{item}}"},
        {"id": "never", "when": "risk == huge"},
        parameters={
            "deep": {}, "name": {}, "item": {}, "a b": {},
            "risk": {"one_of": ["low", "high"], "default": "none"},
        },
        repeat=[{"steps": ["odd", "gone"], "times": "99"}, {"steps": ["odd"]}],
    )  # fmt: skip
    assert [(f.field, f.code, f.message) for f in check_workflow("w", wrong)] == [
        (("parameters", "item"), "bad-parameter", "'item' has a meaning of its own in a repeat; choose another name"),
        (("parameters", "a b"), "bad-parameter", "'a b' can't stand between braces: use letters, digits, '_' and '-', and begin with a letter"),
        (("parameters", "risk", "default"), "not-allowed", "must be one of low, high, not 'none'"),
        (("steps", 0, "depends_on", 0), "dangling-dependency", "there is no step 'tset', did you mean 'test'?"),
        (("steps", 1, "parent"), "dangling-parent", "there is no step 'nowhere'"),
        (("steps", 3, "id"), "duplicate-id", "there is a step 'build' above"),
        (("repeat", 0, "times"), "bad-repeat", "must be a number from 0 to 20, not '99'"),
        (("repeat", 0, "steps", 1), "dangling-dependency", "there is no step 'gone'"),
        (("repeat", 1), "bad-repeat", "give either times or over"),
        (("repeat", 1, "steps", 0), "bad-repeat", "'odd' is repeated already"),
        (("steps", 2, "depends_on", 0), "dependency-cycle", "steps in a circle: ship → test → ship"),
        (("steps", 0, "title"), "unknown-parameter", "there is no parameter 'what'"),
        (("steps", 0, "title"), "unknown-parameter", "'round' stands for something only in a repeat"),
        (("steps", 0, "paths", 0), "unknown-parameter", "there is no parameter 'nmae', did you mean 'name'?"),
        (("steps", 2, "when"), "unknown-parameter", "there is no parameter 'wide'"),
        (("steps", 2, "title"), "unset-parameter", "'name' may not be set, and a title needs it: make it required, or give it a default"),
        (("steps", 4, "when"), "bad-condition", "a condition is: name, !name, name == value or name != value"),
        (("steps", 5, "when"), "bad-condition", "'risk' is one of low, high, never 'huge'"),
    ]  # fmt: skip
    with pytest.raises(Refusal, match="the workflow has mistakes"):
        run(wrong)


def test_what_nothing_asks_for_is_noted() -> None:
    fine = flow({"id": "a", "when": "!b"}, parameters={"b": {}, "c": {}})
    assert [f.message for f in list_unused("w", fine)] == ["nothing asks for 'c'"]
    assert list(check_workflow("w", fine)) == []


@pytest.mark.parametrize(
    ("steps", "repeat", "said"),
    [
        ([{"id": "a", "parent": "b"}, {"id": "b", "parent": "a"}], [], "parents in a circle: a → b → a"),
        ([{"id": "p"}, {"id": "a", "parent": "p", "depends_on": ["p"]}], [], "nothing of this could start"),
        ([{"id": "a"}, {"id": "x", "depends_on": ["a"]}, {"id": "b", "depends_on": ["x"]}], [["a", "b"]], "must be repeated with them"),
        (
            [{"id": "a"}, {"id": "b", "depends_on": ["d"]}, {"id": "c"}, {"id": "d", "depends_on": ["a"]}],
            [["a", "b"], ["c", "d"]], "must be repeated with them",
        ),
        ([{"id": "p"}, {"id": "a", "parent": "p"}], [["p"]], "'p' is repeated without this step"),
    ],
)  # fmt: skip
def test_orders_that_can_t_be(steps: list[dict[str, Any]], repeat: list[list[str]], said: str) -> None:
    wrong = flow(*steps, repeat=[{"steps": names, "times": "2"} for names in repeat])
    assert any(said in f.message for f in check_workflow("w", wrong))


# -- the tasks it gives ----------------------------------------------------------------------------------------


def test_steps_become_tasks() -> None:
    recipe = flow(
        {
            "id": "build", "title": "Add {{name}}", "description": "For {{who}}.\nIn {{where}}.\n", "role": "implementer",
            "acceptance": ["{{name}} answers", "{{where}} says so"], "paths": ["{{where}}/**", "src/**"], "labels": ["api"],
            "type": "task", "priority": "high", "complexity": "medium", "estimate": "1 day", "milestone": "{{when}}",
            "run": {"checks": [{"name": "it", "run": "sh t.sh {{name}}"}, {"name": "own", "run": "{{check}}"}], "timeout": "90m"},
        },
        {"id": "tell", "title": "Describe {{name}}", "depends_on": ["build"], "paths": ["{{who}}/*.md", "x"]},
        parameters={"name": {"required": True}, "who": {"default": "all"}, "where": {}, "when": {}, "check": {}},
    )  # fmt: skip
    made = instantiate(
        recipe, {"name": "a b", "who": "docs, {{name}},, x"}, plan="p", taken=["add-a-b"], make_id=make_id
    )
    assert made[0] == (
        "add-a-b-x1", "build",
        {
            "title": "Add a b", "type": "task", "priority": "high", "complexity": "medium", "role": "implementer",
            "estimate": "1 day", "paths": ["src/**"], "labels": ["api"], "description": "For docs, {{name}},, x.\n", "acceptance": ["a b answers"],
            "run": {"checks": [{"name": "it", "run": "sh t.sh 'a b'"}], "timeout": "90m"}, "plan": "p",
        },
    )  # fmt: skip
    assert made[1] == (
        "describe-a-b",
        "tell",
        {
            "title": "Describe a b",
            "paths": ["docs/*.md", "{{name}}/*.md", "x/*.md", "x"],
            "depends_on": ["add-a-b-x1"],
            "plan": "p",
        },
    )
    assert [t.id for t in instantiate(recipe, {"name": "x"}, prefix="rel-2", make_id=make_id)] == ["rel-2-build", "rel-2-tell"]  # fmt: skip


def test_wrong_values_are_told_at_once_with_what_there_is() -> None:
    recipe = flow(
        {"id": "a", "title": "{{name}} {{risk}} {{n}}"},
        parameters={"name": {"required": True, "description": "what"}, "risk": {"one_of": ["low", "high"], "default": "low"}, "n": {"default": "1"}},
    )  # fmt: skip
    with pytest.raises(UsageError) as caught:
        run(recipe, nmae="x", risk="huge", name=" ")
    assert caught.value.code == "bad-parameters"
    assert caught.value.message == (
        "there is no parameter 'nmae', did you mean 'name'?; 'name' is missing (what); "
        "'risk' must be one of low, high, not 'huge'"
    )
    assert caught.value.hint == "it takes: name (required), risk (low or high, default: low), n (default: 1)"
    with pytest.raises(UsageError, match="the title of step 'a' would have 256 characters"):
        run(recipe, name="x" * 250)


def test_a_step_that_is_left_out_is_bridged() -> None:
    recipe = flow(
        {"id": "epic", "when": "epic"},
        {"id": "a"},
        {"id": "b", "depends_on": ["a"], "when": "b", "parent": "epic"},
        {"id": "c", "depends_on": ["b"], "when": "c", "parent": "epic"},
        {"id": "d", "depends_on": ["c", "a"]},
        {"id": "e", "depends_on": ["epic"]},
        parameters={"b": {"default": "no"}, "c": {}, "epic": {"default": "yes"}},
    )
    assert needs(run(recipe)) == {"a": [], "d": ["a"], "e": ["a"]}, "an epic without parts is left out, too"
    assert needs(run(recipe, b="yes")) == {"epic": [], "a": [], "b": ["a"], "d": ["b", "a"], "e": ["epic"]}
    made = {t.step: t for t in run(recipe, c="yes", epic="no")}
    assert "parent" not in made["c"].fields
    assert needs(tuple(made.values())) == {"a": [], "c": ["a"], "d": ["c", "a"], "e": ["c"]}, (
        "the parts count for their whole"
    )
    with pytest.raises(Refusal, match="every step is left out"):
        run(flow({"id": "a", "when": "b"}, parameters={"b": {}}))


def test_rounds_are_unrolled() -> None:
    recipe = flow(
        {"id": "draft"},
        {"id": "review", "title": "Review, round {{round}}", "depends_on": ["draft"]},
        {"id": "improve", "depends_on": ["review"]},
        {"id": "accept", "depends_on": ["improve"]},
        parameters={"rounds": {"default": "2"}},
        repeat=[{"steps": ["review", "improve"], "times": "{{rounds}}"}],
    )
    made = run(recipe)
    assert needs(made) == {
        "draft": [], "review-1": ["draft"], "review-2": ["draft", "improve-1"], "improve-1": ["review-1"],
        "improve-2": ["review-2"], "accept": ["improve-2"],
    }  # fmt: skip
    assert [t.fields["title"] for t in made] == [
        "Draft", "Review, round 1", "Improve (round 1)", "Review, round 2", "Improve (round 2)", "Accept",
    ]  # fmt: skip
    assert needs(run(recipe, rounds="0")) == {"draft": [], "accept": ["draft"]}
    for wrong in ("21", "two", "-1", "²"):
        with pytest.raises(UsageError, match="'rounds' must be a number from 0 to 20"):
            run(recipe, rounds=wrong)


def test_a_round_for_each_item() -> None:
    recipe = flow(
        {"id": "story", "title": "{{item}}", "type": "story", "milestone": "{{item}}"},
        {"id": "build", "title": "Build {{item}}", "parent": "story", "when": "item != docs"},
        {"id": "tell", "title": "Tell of {{item}}", "parent": "story", "depends_on": ["build"]},
        {"id": "end", "depends_on": ["story"]},
        parameters={"items": {"required": True}},
        repeat=[{"steps": ["story", "build", "tell"], "over": "{{items}}"}],
    )
    made = run(recipe, items="login, docs,,login\nreset")
    assert [t.id for t in made if t.step.startswith("story")] == ["login", "docs", "reset"]
    parts = [(t.id, t.fields.get("parent"), t.fields.get("depends_on")) for t in made]
    assert parts == [
        ("login", None, None), ("build-login", "login", None), ("tell-of-login", "login", ["build-login"]),
        ("docs", None, None), ("tell-of-docs", "docs", ["login"]),
        ("reset", None, None), ("build-reset", "reset", ["docs"]), ("tell-of-reset", "reset", ["build-reset"]),
        ("end", None, ["reset"]),
    ]  # fmt: skip
    for wrong, said in (
        (" , ", "'items' lists nothing"),
        (",".join(map(str, range(21))), "'items' lists 21"),
    ):
        with pytest.raises(UsageError, match=said):
            run(recipe, items=wrong)
    at_once = recipe.model_copy(update={"repeat": (recipe.repeat[0].model_copy(update={"at_once": True}),)})
    assert needs(run(at_once, items="a,b"))["end"] == ["story-1", "story-2"]
    assert needs(run(at_once, items="a,b"))["build-2"] == []


def test_the_largest_workflow_is_no_trouble() -> None:
    names = [f"s{n}" for n in range(200)]
    steps = [
        {"id": name, "depends_on": names[n - 1 : n] if n else [], "when": "all" if n % 199 else None}
        for n, name in enumerate(names)
    ]
    recipe = flow(*steps, parameters={"all": {}}, repeat=[{"steps": names, "times": "20"}])
    assert list(needs(run(recipe)).items())[-1] == ("s199-20", ["s0-20"])
    assert len(run(recipe, all="yes")) == 4000
    nested = [
        {"id": name, "parent": names[n - 1] if n else None, "when": "all"} for n, name in enumerate(names)
    ]
    assert len(run(flow({"id": "x"}, *nested[1:199], nested[0], parameters={"all": {}}))) == 1


# -- the law ---------------------------------------------------------------------------------------------------

NAMES = ("p", "q", "r")
VALUES = st.one_of(
    st.sampled_from(["", "yes", "no", "x", "0", "3", "a, b", "two\nlines", "{{q}}"]),
    st.text("aé {}\n\t:#-\x00\x85\u2028\"'😀", max_size=8),
)
TEXTS = st.sampled_from(
    ["plain", "{{p}}", "a {{q}} b", "{{ r }}\nplain", "- x: {{p}}", "#{{q}}", "{{p}}{{q}}"]
)
LINES = TEXTS.map(lambda text: text.replace("\n", " "))
ROUNDS = st.sampled_from([{"times": "3"}, {"times": "{{p}}"}, {"over": "{{q}}"}])
CONDITIONS = st.sampled_from([None, None, None, "p", "!q", "r == yes", "p != x"])


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    """Workflows of a few steps, most of them valid: a step depends on others before it in a random order, and parts
    come before their whole; a round is a stretch of that order.
    """
    names = ["a", "b", "c", "d", "e"][: draw(st.integers(1, 5))]
    order = draw(st.permutations(names))
    steps = []
    for name in names:
        place = order.index(name)
        before, after = order[:place], order[place + 1 :]
        steps.append({
            "id": name,
            "title": draw(st.sampled_from(["plain", "a {{p}} b", "{{p}}{{ p }}", "{{p}} and more"])),
            "depends_on": draw(st.lists(st.sampled_from(before), max_size=2, unique=True)) if before else [],
            "parent": draw(st.one_of(st.none(), st.sampled_from(after))) if after else None,
            "when": draw(CONDITIONS),
            "description": draw(st.one_of(st.none(), TEXTS)),
            "acceptance": draw(st.lists(TEXTS, max_size=2)),
            "paths": draw(st.lists(LINES, max_size=1)),
            "hold": draw(st.one_of(st.none(), LINES)),
            "run": draw(st.sampled_from([None, {"checks": [{"name": "{{p}}", "run": "sh {{q}}"}], "timeout": 90}])),
        })  # fmt: skip
    cut: int = draw(st.integers(0, len(order)))
    repeat: list[dict[str, Any]] = [
        {"steps": list(part), "at_once": draw(st.booleans()), **draw(ROUNDS)}
        for part in (order[:cut], order[cut:])
        if part and bool(draw(st.booleans()))
    ]
    parameters = {
        name: draw(st.sampled_from(([] if name == "p" else [{}]) + [{"required": True}, {"default": "2"}]))
        for name in NAMES
    }
    return Workflow.model_validate({"title": "w", "steps": steps, "repeat": repeat, "parameters": parameters})


@settings(deadline=None)  # the first one reads the schema
@given(workflows(), st.dictionaries(st.sampled_from(NAMES), VALUES), st.sampled_from([None, "pre", "P 1"]))
@example(flow({"id": "a"}), {}, None)
def test_any_valid_workflow_gives_tasks_that_are_valid_and_can_be_worked_off(
    workflow: Workflow, values: Mapping[str, str], prefix: str | None
) -> None:
    assume(not list(check_workflow("w", workflow)))
    try:
        made = instantiate(workflow, values, prefix=prefix, taken=["plain"], make_id=make_id)
    except BatonError as refused:
        if refused.code not in ("bad-parameters", "no-steps"):
            raise
        return
    rows = []
    for task in made:
        path = f"tasks/{task.id}.yaml"
        text = render_document({"status": "todo", **task.fields}, path, "task")
        assert judge_document(parse_yaml(text, path), "task")[1] == []
        rows.append(row_of(parse_document(text, path, Task, "task"), path, task.id))
    known = {row.id for row in rows}
    assert len(known) == len(rows)
    assert [*check_graph(rows), *check_links(rows, [], known, [])] == []
