"""Plans from the shell: written with their tasks, looked at, changed, split, closed; with a remote and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.errors import BatonError, Refusal, UsageError
from gitbaton.report.plan_text import plan_record
from gitbaton.usecases.planchanging import close_plan
from gitbaton.usecases.planmaking import make_plan
from gitbaton.usecases.planview import list_plans, show_plan
from gitbaton.usecases.validate import validate_repository
from support.repos import project

if TYPE_CHECKING:
    from support.cli import Baton
    from support.repos import Checkout

LIST = """\
- Draw it
- title: Build it
  depends_on: [1]
  estimate: 2 days
  paths: [src/**]
  role: implementer
  acceptance: [It works]
- title: Style it
  depends_on: [Draw it]
  paths: [src/style.css]
- title: Describe it
  depends_on: [Build it, style-it]
"""


@pytest.fixture
def planned(checkout: Checkout, baton: Baton) -> Checkout:
    checkout.commit({"tasks/config.yaml": "base: main\n"}, "Set up", push=checkout.remote is not None)
    done = baton("plan", "new", "Build auth", "--goal", "People sign in.", "--subtasks", "-", *_push(checkout), stdin=LIST)  # fmt: skip
    assert done.out.splitlines()[:5] == [
        "planned build-auth (tasks/plans/build-auth.yaml)", "  draw-it", "  build-it", "  style-it", "  describe-it",
    ]  # fmt: skip
    return checkout


def _push(checkout: Checkout) -> list[str]:
    return ["--push"] if checkout.remote else []


def shown(checkout: Checkout) -> dict[str, Any]:
    """What ``baton plan show --json`` says, without a process for it."""
    return plan_record(show_plan(project(checkout), None))


@pytest.mark.parametrize("checkout", ["remote"], indirect=True)
def test_a_plan_and_its_tasks_are_one_commit(planned: Checkout, baton: Baton) -> None:
    changed = planned.git("show", "--name-only", "--format=%s", "HEAD").splitlines()
    assert changed == [
        "Plan build-auth: Build auth (4 tasks)", "", "tasks/build-it.yaml", "tasks/describe-it.yaml",
        "tasks/draw-it.yaml", "tasks/plans/build-auth.yaml", "tasks/style-it.yaml",
    ]  # fmt: skip
    assert validate_repository(project(planned)) == []
    plan = shown(planned)
    assert plan["waves"] == [["draw-it"], ["build-it"], ["style-it"], ["describe-it"]], "same paths"
    assert plan["longest"] == {"tasks": ["draw-it", "build-it", "describe-it"], "seconds": 172800.0, "measured": False, "without_estimate": ["draw-it", "describe-it"]}  # fmt: skip
    assert plan["progress"] == {"done": 0, "total": 4, "cancelled": 0}
    assert (plan["approval"]["commit"], plan["approval"]["merge"]) == (planned.head(), False)
    assert (plan["changed_since"], plan["only_here"]) == ([], [])
    # what was approved is bound: how far a task is may change, what it says may not
    baton("set", "style-it", "priority=high", "labels+=css", *_push(planned))
    baton("done", "draw-it", *_push(planned))
    planned.write({"tasks/build-it.yaml": planned.read("tasks/build-it.yaml").replace("It works", "It half works")})  # fmt: skip
    plan = shown(planned)
    assert (plan["changed_since"], plan["progress"]["done"]) == ([], 1)
    assert [(e["id"], e["fields"], e["local"]) for e in plan["only_here"]] == [("build-it", ["acceptance"], "uncommitted")]  # fmt: skip
    head = planned.commit(message="Make it easier", push=planned.remote is not None)
    baton("sync")
    plan = shown(planned)
    assert plan["only_here"] == []
    assert [(e["kind"], e["id"], e["fields"], e["commit"]) for e in plan["changed_since"]] == [("task", "build-it", ["acceptance"], head)]  # fmt: skip
    text = baton("plan", "show", "build").out
    assert 'task build-it: acceptance + "It half works" − "It works"' in text
    assert [(m["done"], m["total"]) for m in plan["burn_up"]] == [(0, 4), (1, 4)]
    assert baton("plan").out == "build-auth  active  ██░░░░░░░░  1 of 4 done (25 %)  Build auth\n"


@pytest.mark.parametrize("checkout", ["alone"], indirect=True)
def test_wrong_calls(planned: Checkout, baton: Baton) -> None:
    for words, hint in (
        (["new"], 'baton plan new "TITLE"'),
        (["new", "X", "--subtasks", "-", "--from", "-"], "give one of them as a file"),
        (["split", "build-it"], "baton plan split build-it --subtasks FILE, or: --propose"),
    ):
        assert baton("plan", *words, "--json", code=2).error["hint"] == hint, words
    here = project(planned)
    for act, hint in (
        (lambda: show_plan(here, "nope"), "there is: build-auth"),
        (lambda: show_plan(here, "draw-it"), "that is a task: baton show draw-it"),
        (lambda: make_plan(here, {"title": "X"}, plan_id="build-auth"), "change it with: baton plan revise build-auth, or choose another id"),
        (lambda: make_plan(here, {"title": "  "}), "nothing was changed; give a value that fits"),
        (lambda: close_plan(here, "build-auth"), "cancel what is left, too: baton plan close build-auth --cancel-rest"),
    ):  # fmt: skip
        with pytest.raises(BatonError) as error:
            act()
        assert error.value.hint == hint
    assert planned.status() == ""
    again = make_plan(here, {"title": "Build auth"})
    assert str(again.plan).startswith("build-auth-")
    assert "baton plan revise build-auth" in again.notes[0]
    planned.write({"tasks/plans/half.yaml": "title: [\n"})
    with pytest.raises(UsageError, match="which plan"):
        show_plan(project(planned), None)
    with pytest.raises(Refusal, match="the file of plan half can't be read"):
        show_plan(project(planned), "half")
    assert [s.file.problems[0].path for s in list_plans(project(planned)) if s.file.problems] == ["tasks/plans/half.yaml"]  # fmt: skip


@pytest.mark.parametrize("checkout", ["alone"], indirect=True)
def test_a_plan_is_changed_split_and_closed(planned: Checkout, baton: Baton) -> None:
    push = _push(planned)
    more = "goal: People sign in and out.\ntasks:\n- title: Sign out\n  depends_on: [style-it]\n- {id: style-it, depends_on: [], estimate: 1h}\n- {id: describe-it, status: cancelled}\n"
    done = baton("plan", "revise", "build-auth", "--subtasks", "-", "--json", *push, stdin=more).record
    assert (done["added"], done["changed"]) == (["sign-out"], ["style-it", "describe-it"])
    assert "goal: People sign in and out." in planned.read("tasks/plans/build-auth.yaml")
    assert "depends_on" not in planned.read("tasks/style-it.yaml")
    done = baton("plan", "split", "build", "--subtasks", "-", "--json", *push, stdin="- Form\n- {title: Session, depends_on: [1], paths: [src/session]}\n").record  # fmt: skip
    assert (done["added"], done["changed"]) == (["form", "session"], ["build-it"])
    plan = shown(planned)
    form = next(t for t in plan["tasks"] if t["id"] == "form")
    assert (form["parent"], form["plan"], form["role"], form["paths"], form["depends_on"]) == ("build-it", "build-auth", "implementer", ["src/**"], ["draw-it"])  # fmt: skip
    assert [t["id"] for t in plan["tasks"]] == ["draw-it", "build-it", "form", "session", "style-it", "describe-it", "sign-out"]  # fmt: skip
    assert plan["waves"] == [["draw-it", "style-it"], ["form", "sign-out"], ["session"]]
    assert plan["progress"] == {"done": 0, "total": 5, "cancelled": 1}
    assert {e["id"] for e in plan["changed_since"]} == {
        "build-auth",
        "form",
        "session",
        "sign-out",
        "style-it",
    }
    assert validate_repository(project(planned)) == []

    baton("claim", "draw-it")
    for words, code in (
        (["split", "draw-it"], "not-splittable"),
        (["split", "describe-it"], "not-splittable"),
    ):
        assert baton("plan", *words, "--subtasks", "-", "--json", code=1, stdin="- A").error["code"] == code
    begun = baton("plan", "revise", "build-auth", "--subtasks", "-", "--json", code=1, stdin="- {id: draw-it, title: X}").error  # fmt: skip
    assert begun["problems"][0]["message"] == "draw-it stays as it is: it is in progress"
    assert baton("plan", "close", "build-auth", "--cancel-rest", "--json", code=1).error["code"] == "busy-tasks"  # fmt: skip
    baton("stop", "draw-it")
    closed = baton.json("plan", "close", "build-auth", "--cancel-rest", *push)
    assert closed["changed"] == ["build-it", "draw-it", "form", "session", "sign-out", "style-it"]
    assert baton.json("plan")["plans"][0]["status"] == "closed"
    assert baton("plan", "revise", "build-auth", "--subtasks", "-", "--json", code=1, stdin="- A").error["code"] == "plan-closed"  # fmt: skip


@pytest.mark.parametrize("checkout", ["remote"], indirect=True)
def test_a_proposal_is_approved_by_its_merge(checkout: Checkout, baton: Baton) -> None:
    checkout.commit({"tasks/config.yaml": "base: main\n"}, "Set up", push=True)
    done = baton("plan", "new", "Build auth", "--propose", "--subtasks", "-", "--json", stdin=LIST).record
    assert done["branch"].startswith("baton/edit-build-auth-")
    assert checkout.status() == ""
    unknown = baton("plan", "show", "build-auth", "--json", code=1).error
    assert unknown["hint"] == f"it is proposed on origin/{done['branch']}: merge that first"
    baton("next", code=3)
    checkout.git("fetch", "--quiet")
    # a person edits the proposal before merging it: what is merged is what is approved
    checkout.git("switch", "--quiet", done["branch"])
    checkout.commit({"tasks/style-it.yaml": None, "tasks/describe-it.yaml": checkout.read("tasks/describe-it.yaml").replace("  - style-it\n", ""),
                     "tasks/plans/build-auth.yaml": checkout.read("tasks/plans/build-auth.yaml").replace("  - style-it\n", "")}, "No style")  # fmt: skip
    here = shown(checkout)
    assert (here["local"], here["approval"]) == ("unmerged", None)
    assert {e["id"] for e in here["only_here"]} == {"build-auth", "draw-it", "build-it", "describe-it"}
    checkout.git("switch", "--quiet", "main")
    checkout.git("merge", "--quiet", "--no-ff", "-m", "Merge the plan", done["branch"])
    checkout.git("push", "--quiet", "origin", "main")
    baton("sync")
    plan = shown(checkout)
    assert plan["approval"] == {"commit": checkout.head(), "at": plan["approval"]["at"], "by": plan["approval"]["by"], "subject": "Merge the plan", "merge": True}  # fmt: skip
    assert plan["changed_since"] == []
    assert baton.json("next")["task"]["id"] == "draw-it"
    baton("set", "draw-it", "title=Draw it well", "--push")
    later = shown(checkout)["changed_since"]
    assert [(e["id"], e["fields"], e["merge"]) for e in later] == [("draw-it", ["title"], False)]
