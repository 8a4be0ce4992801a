"""Handoffs: left whole or on the way, found again by name, and told to whoever starts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.compaction import estimate_tokens
from gitbaton.domain.history import list_facts
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.report.context_text import render_standing, render_task_standing
from gitbaton.store.outbox import read_outbox
from gitbaton.usecases.claim import claim_as_person
from gitbaton.usecases.context import save_context
from gitbaton.usecases.handoff_text import parse_handoff_text
from gitbaton.usecases.ownwork import abandon_task, start_task
from gitbaton.usecases.recalling import find_handoff, recall_handoffs
from gitbaton.usecases.run import Preview, preview_run
from gitbaton.usecases.standing import describe_standing, describe_task_standing
from gitbaton.wiring import open_project
from support.repos import Clock, make_repository, project
from support.trial import WRITE, Trial, result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gitbaton.usecases.project import Project
    from support.repos import Checkout

FILES: dict[str, str | bytes | None] = {
    "tasks/config.yaml": "base: main\nagents: {claude: {adapter: claude}}\n",
    "tasks/add-cart.yaml": "title: Cart\n",
    "tasks/pay.yaml": "title: Pay\ndepends_on: [add-cart]\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, FILES, remote=True)


@pytest.fixture
def opened(checkout: Checkout) -> Callable[[], Project]:
    """The project as it is now; a second passes each time it is asked for."""
    clock = Clock()

    def open_it() -> Project:
        clock.advance(1)
        return project(checkout, clock=clock)

    return open_it


@pytest.mark.promise("context.on-the-way")
def test_what_is_left_on_the_way_is_marked_and_reaches_whoever_comes_next(
    opened: Callable[[], Project],
) -> None:
    start_task(opened(), "add-cart")
    noted = save_context(opened(), "add-cart", {}, note="slow")
    saved = save_context(opened(), "add-cart", {"summary": "Half.", "decisions": ["no cookies"]})
    assert (noted.on_the_way, saved.on_the_way) == (None, 1), "a note is only a note"
    abandon_task(opened(), None)
    (_, left), note = recall_handoffs(opened(), "add-cart", 5).left
    assert (left.incomplete, left.attempt, left.outcome) == (True, 1, None)
    assert note.handoff.attempt is None
    told = preview_run(opened().fetched(), "add-cart")
    assert isinstance(told, Preview)
    at = told.briefing.index("### Tess Author, 2026-01-31T09:00:03Z, on the way in attempt 1\n\nHalf.")
    assert "no cookies" in told.briefing[at:]
    assert "\nslow\n" in told.briefing


def test_a_claim_elsewhere_makes_it_a_checkpoint_too(opened: Callable[[], Project]) -> None:
    claim_as_person(opened(), "add-cart")
    assert save_context(opened(), "add-cart", {"remaining": ["tests"]}).on_the_way == 1
    assert save_context(opened(), "pay", {"remaining": ["all"]}).on_the_way is None


@pytest.mark.promise("context.found")
def test_one_is_found_by_task_attempt_and_file(trial: Trial) -> None:
    """Also one that nothing but an attempt's own commit still holds."""
    trial.plan(config="checks: [{name: c, run: 'test -f ok.txt'}]\nretries: {fix_rounds: 0, backoff: 1s}\n")
    assert not trial.run(WRITE + result(summary="The first way", decisions=["go left"])).good
    first = find_handoff(trial.project(), "job")
    assert (first.handoff.attempt, first.handoff.summary) == (1, "The first way")
    save_context(trial.project(), "job", {}, note="later")
    assert find_handoff(trial.project(), "job") == first, "a note says less"
    name = first.path.rsplit("/", 1)[-1]
    for text in ("job/1", "jo/1", name, first.path, str(trial.checkout.path / first.path)):
        assert find_handoff(trial.project(), text) == first
    trial.checkout.git("push", "--quiet", "origin", "--delete", "baton/job")
    assert find_handoff(trial.project().fetched(), "job/1") == first
    assert [x.path for x in recall_handoffs(trial.project(), None, 9).left][1:] == [first.path]
    standing = describe_standing(trial.project())
    assert [h.summary for _, h in standing.handoffs] == ["The first way"]
    for text, hint in (
        ("job/2", "baton handoff list job"),
        (name.replace("Z", "Y"), f"did you mean {name}"),
        ("tasks/job.yaml", "see them"),
    ):
        with pytest.raises(Refusal) as caught:
            find_handoff(trial.project(), text)
        assert (caught.value.code, hint in (caught.value.hint or "")) == ("no-handoff", True)


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


def test_nothing_was_left(opened: Callable[[], Project]) -> None:
    with pytest.raises(Refusal, match="nothing was left on pay yet"):
        find_handoff(opened(), "pay")
    assert recall_handoffs(opened(), None, 5) == (None, [], False, [])


def test_a_file_that_can_not_be_read_is_named(opened: Callable[[], Project], checkout: Checkout) -> None:
    path = "tasks/handoffs/pay/20260101T000000000Z-a.yaml"
    checkout.commit({path: "summary: [\n"})
    assert recall_handoffs(opened(), "pay", 5).broken == [path]
    with pytest.raises(InvalidDocument):
        find_handoff(opened(), "pay")


# -- written by hand -----------------------------------------------------------------------------------------


def test_a_text_gives_the_fields_that_are_its_authors() -> None:
    yaml = b"task: pay\nsummary: 1.10\ndecisions:\n  - short\n  - {decision: long, reason: because}\n"
    assert parse_handoff_text(yaml, "f") == (
        "pay", {"summary": "1.10", "decisions": [{"decision": "short"}, {"decision": "long", "reason": "because"}]},
    )  # fmt: skip
    escaped = (
        json.dumps({"summary": "a 😀 \\ud83d/\ud83d", "guidance": "\\"}).encode().replace(b"/\\ud83d", b"/")
    )
    assert parse_handoff_text(escaped, "f").fields == {"summary": "a 😀 \\ud83d/", "guidance": "\\"}
    tabbed = b'{\n\t"summary": "a\\tb",\n\t"tests_passing": true\n}\n'
    assert parse_handoff_text(tabbed, "f") == (None, {"summary": "a\tb", "tests_passing": True})


def test_all_that_is_wrong_with_a_text_is_told_at_once() -> None:
    text = b"sumary: x\noutcome: failed\nremaining: x\nnext_action: go\nquestions: ['']\n"
    with pytest.raises(InvalidDocument) as caught:
        parse_handoff_text(text, "notes.yaml")
    assert caught.value.message == "5 problems in notes.yaml"
    assert [str(p) for p in caught.value.problems] == [
        "notes.yaml:1:1: sumary: unknown field 'sumary', did you mean 'summary'?",
        "notes.yaml:2:1: outcome: 'outcome' is for the tool to say; leave it out",
        "notes.yaml:3:1: remaining: must be a list, not text",
        "notes.yaml:4:1: next_action: must be one of continue, needs_revision, blocked, needs_input, complete, not 'go'",
        "notes.yaml:5:13: questions[0]: must not be empty",
    ]


def test_inside_an_attempt_it_goes_to_the_outbox(checkout: Checkout, tmp_path: Path) -> None:
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    marks = {"BATON_ATTEMPT": "1", "BATON_TASK": "pay", "BATON_RUN": "r", "BATON_OUTBOX": str(outbox)}
    before = checkout.head()
    saved = save_context(
        open_project(checkout.path, marks), None, {"questions": ["Cards?"], "next_action": "needs_input"}
    )
    assert (saved.task, saved.path, checkout.head(), checkout.status()) == ("pay", None, before, "")
    assert read_outbox(outbox).question == "Cards?"


# -- where things stand --------------------------------------------------------------------------------------


@pytest.mark.promise("context.compact")
def test_the_project_keeps_to_its_budget_and_to_what_must_be_told(
    opened: Callable[[], Project], checkout: Checkout
) -> None:
    checkout.commit({f"tasks/job-{n}.yaml": f"title: Job number {n} of many\n" for n in range(30)})
    checkout.commit({
        "tasks/plans/shop.yaml": "title: Shop\ngoal: People buy things.\n", "tasks/plans/old.yaml": "title: Old\nstatus: closed\n",
        "tasks/in-plan.yaml": "title: In the plan\nplan: shop\n", "tasks/bad.yaml": "title: [\n",
    }, push=True)  # fmt: skip
    claim_as_person(opened().fetched(), "job-3")
    for n in range(4):
        save_context(
            opened(),
            f"job-{n}",
            {"summary": "s" * 200, "decisions": [f"way {n}"], "questions": [f"Why {n}?"]},
        )
    standing, text = describe_standing(opened()), ""
    for tokens in (100, 300, 450, 700, 1500, 8000):
        text = render_standing(standing, tokens)
        assert text.startswith(
            "# Where things stand\n\n33 tasks on main of origin: 1 running, 31 ready, 1 waiting."
        )
        for n in range(4):
            assert f"- Decided: way {n}" in text
            assert f"- Asked: Why {n}?" in text
        assert "- `add-cart`" in text, "what is next is always told"
        is_over = f"takes more than {tokens} tokens" in text
        assert (estimate_tokens(text) > tokens) == is_over == (tokens == 100)
    assert "- `shop` Shop: 0 of 1 tasks over. People buy things." in text
    assert "- `job-3` Job number 3 of many: Tess Author, by hand" in text
    assert "## Next (31)" in text
    assert "- and 23 more: `baton list --ready`" in text
    assert "tasks/bad.yaml:" in text
    assert "Old" not in text


def test_one_task_is_told_with_all_that_was_left(opened: Callable[[], Project], checkout: Checkout) -> None:
    long = (
        "title: Cart\ndescription: |\n"
        + "".join(f"  {n} of many words.\n" for n in range(300))
        + "acceptance: [it holds things]\n"
    )
    checkout.commit({"tasks/add-cart.yaml": long}, push=True)
    for n in range(20):
        save_context(opened(), "add-cart", {"summary": f"{n} " + "s" * 300, "decisions": [f"way {n}"]})
    save_context(opened(), "pay", {"summary": "Not begun.", "questions": ["Cards?"]})
    told = describe_task_standing(opened(), "pay")
    text = render_task_standing(told, told.tokens)
    assert "## It depends on\n\n- `add-cart` Cart: ready" in text
    assert "### add-cart: Cart\n\n19 sss" in text
    assert text.index("## What it builds on") < text.index("## Noted since") < text.index("- Cards?")
    told = describe_task_standing(opened(), "add-cart")
    text = render_task_standing(told, 1500, limit="1,500 tokens (`--budget`)")
    assert estimate_tokens(text) <= 1500
    assert "All of it: `tasks/add-cart.yaml`" in text
    assert "- [ ] it holds things" in text
    assert all(f.text in text for f in list_facts(told.history))
    assert "This keeps it within 1,500 tokens (`--budget`)." in text
    checkout.commit(
        {
            "tasks/config.yaml": "base: main\nagents: {claude: {adapter: claude}}\nrun: {context_tokens: 1200}\n"
        },
        push=True,
    )
    briefed = preview_run(opened().fetched(), "add-cart")
    assert isinstance(briefed, Preview)
    history = briefed.briefing[briefed.briefing.index("## Noted since") : briefed.briefing.index("## Limits")]
    assert estimate_tokens(history) <= 1200
    assert "This keeps it within 1,200 tokens (`run.context_tokens`)." in history
    assert all(f"way {n}" in history for n in range(20))
