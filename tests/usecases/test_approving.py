"""Approving work before anybody starts it, on the board, at the claim, and over edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.state import Holder
from gitbaton.errors import Refusal
from gitbaton.store.documents import parse_document
from gitbaton.usecases.approving import approve_task, withdraw_approval
from gitbaton.usecases.board import next_task
from gitbaton.usecases.choosing import Choice
from gitbaton.usecases.claim import claim_task
from gitbaton.usecases.delivery import Delivery
from gitbaton.usecases.explaining import explain_task
from gitbaton.usecases.queueing import list_queue
from gitbaton.usecases.routing import route_task
from gitbaton.usecases.survey import survey_project
from gitbaton.usecases.tasks import change_fields
from support.repos import make_repository, project

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.usecases.project import Project
    from support.repos import Checkout

pytestmark = pytest.mark.promise("route.approval")
CRITICAL = "title: Delete old accounts\ndescription: Those of 2019.\ncomplexity: critical\n"


def start(folder: Path, *, config: str = "", remote: bool = False, task: str = CRITICAL) -> Checkout:
    files = {"tasks/del.yaml": task, "tasks/config.yaml": f"base: main\n{config}"}
    return make_repository(folder, files, remote=remote)


def claim(asked: Project) -> Any:
    return claim_task(asked, "del", holder=Holder(name="Ann", kind="person"), lease_s=None)


def test_nobody_starts_critical_work_before_a_person_approved_it_as_it_is(tmp_path: Path) -> None:
    checkout = start(tmp_path)
    asked = project(checkout)
    words = "it is critical, and no person has approved it yet"
    chosen = next_task(asked)
    assert chosen == Choice(
        None, "no task is ready: 1 to be approved; a person must approve del (baton approve del)"
    )
    assert "a person must approve del" in list_queue(asked).rest or "to be approved" in list_queue(asked).rest
    assert [(c.name, c.words, c.remedy) for c in explain_task(asked, "del").obstacles] == [
        ("approval", words, "read it, then: baton approve del")
    ]
    assert [(w.kind, w.words, w.remedy) for w in survey_project(asked).wants] == [
        ("approval", words, "baton approve del")
    ]
    with pytest.raises(Refusal, match=words.removeprefix("it ")) as refused:
        claim(asked)
    assert (refused.value.code, refused.value.hint) == ("not-approved", "read it, then: baton approve del")

    done = approve_task(asked, "del")
    assert (done.before, done.edited and bool(done.edited.commit)) == (None, True)
    text = checkout.git("show", "HEAD:tasks/del.yaml")
    assert text.startswith(CRITICAL), "nothing else of the file has changed"
    asked = asked.reread()
    assert next_task(asked).entry, "it is next"
    assert approve_task(asked, "del").edited is None, "it is approved already"

    change_fields(asked, "del", ["priority=high"])
    assert explain_task(asked.reread(), "del").claimable, (
        "when its turn comes changes nothing about what is done"
    )
    change_fields(asked, "del", ["description=All of them."])
    asked = asked.reread()
    assert (
        explain_task(asked, "del").obstacles[0].words
        == "it is critical, and was changed since a person approved it"
    )
    assert next_task(asked).entry is None
    assert approve_task(asked, "del").before == "outdated"
    asked = asked.reread()
    held = claim(asked)
    assert held.entry.row.id == "del"
    assert withdraw_approval(asked, "del").before == "given"
    assert explain_task(asked.reread(), "del").entry.state == "in_progress", "whoever is at it goes on"


def test_what_is_approved_is_what_an_agent_would_get(tmp_path: Path) -> None:
    checkout = start(tmp_path)
    (checkout.path / "tasks/del.yaml").write_text(CRITICAL.replace("2019", "2020"))
    with pytest.raises(Refusal, match="not committed: which text is approved") as refused:
        approve_task(project(checkout), "del")
    assert refused.value.code == "uncommitted"
    (checkout.path / "tasks/del.yaml").write_text(CRITICAL + "labels: [x]\n")
    done = approve_task(project(checkout), "del")
    assert done.edited
    assert done.edited.commit
    assert "labels" not in checkout.git("show", "HEAD:tasks/del.yaml")
    assert (checkout.path / "tasks/del.yaml").read_text().endswith("labels: [x]\n"), (
        "other work stays as it was"
    )


def test_it_is_approved_on_a_base_that_somebody_else_has_changed(tmp_path: Path) -> None:
    checkout = start(tmp_path, remote=True)
    other = checkout.clone("other")
    other.commit({"tasks/del.yaml": CRITICAL.replace("2019", "2021")}, "Reword", push=True)
    checkout.git("switch", "--quiet", "--create", "feature")
    asked = project(checkout)
    done = approve_task(asked, "del", to=Delivery("base"))
    assert done.edited
    assert done.edited.pushed
    data = checkout.git("show", "origin/main:tasks/del.yaml").encode()
    from gitbaton.domain.approval import judge_approval
    from gitbaton.domain.task import Task

    assert judge_approval(parse_document(data, "tasks/del.yaml", Task, "task")) == "given"
    assert claim(asked).entry.row.approval == "given"


@pytest.mark.parametrize(
    ("config", "task", "code"),
    [
        ("", "title: T\n", "needs-no-approval"),
        ("", "title: T\ncomplexity: complex\n", "needs-no-approval"),
        ("routing: {critical: {approval: false}}\n", CRITICAL, "needs-no-approval"),
        ("", CRITICAL + "status: done\n", "already-finished"),
    ],
)
def test_only_what_needs_it_is_approved(tmp_path: Path, config: str, task: str, code: str) -> None:
    asked = project(start(tmp_path, config=config, task=task))
    with pytest.raises(Refusal) as refused:
        approve_task(asked, "del")
    assert refused.value.code == code
    if code == "needs-no-approval":
        assert next_task(asked).entry, "and so it can be claimed"


def test_a_level_may_have_to_be_split(tmp_path: Path) -> None:
    asked = project(
        start(
            tmp_path,
            config="routing: {complex: {breakdown: required}}\n",
            task="title: T\ncomplexity: complex\n",
        )
    )
    assert [(c.name, c.remedy) for c in explain_task(asked, "del").obstacles] == [
        ("breakdown", "baton plan split del")
    ]
    with pytest.raises(Refusal) as refused:
        claim(asked)
    assert refused.value.code == "not-split"
    route = route_task(asked, "del")
    assert (route.settings.policy.breakdown.value, route.entry.split) == ("required", "required")
