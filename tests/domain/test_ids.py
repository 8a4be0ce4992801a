"""Ids: readable, safe as file names and as parts of refs, and found again from what people type."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbaton.domain.ids import check_id, explain_bad_id, find_id, find_similar, make_id, make_slug
from gitbaton.errors import Refusal


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "0",
        "add-login-endpoint",
        "v1.2_x",
        "a" * 64,
        "lock",
        "a.locked",
        "con-1",
        "configs",
        "com10",
        "com0",
        "lpt0",
        "x.con",
    ],
)
def test_good_ids(text: str) -> None:
    assert explain_bad_id(text) is None
    assert check_id(text) == text


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "1 to 64"),
        ("a" * 65, "1 to 64"),
        ("-a", "starts with"),
        (".a", "starts with"),
        ("A", "a-z"),
        ("a b", "a-z"),
        ("a/b", "a-z"),
        ("a\n", "a-z"),
        ("é", "a-z"),
        ("a..b", "no '..'"),
        ("a.", "end in '.'"),
        ("a.lock", ".lock"),
        ("config", "gitbaton's own"),
        ("sessions", "gitbaton's own"),
        ("con", "device"),
        ("nul.x", "device"),
        ("com1", "device"),
        ("com9.txt", "device"),
        ("lpt1", "device"),
        ("lpt9", "device"),
    ],
)
def test_bad_ids_say_why(text: str, because: str) -> None:
    reason = explain_bad_id(text)
    assert reason is not None
    assert because in reason
    with pytest.raises(Refusal) as caught:
        check_id(text)
    assert caught.value.code == "bad-id"
    assert because in caught.value.message


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Add login endpoint!", "add-login-endpoint"),
        ("  Größe & Länge  ", "groe-lange"),
        ("Résumé: café", "resume-cafe"),
        ("日本語", "task"),
        ("---", "task"),
        ("Config", "task-config"),
        ("CON", "task-con"),
        ("1.10 release", "1-10-release"),
        (
            "Let people who forgot their password set a new one by mail",
            "let-people-who-forgot-their-password-set-a-new",
        ),
        ("x" * 60, "x" * 48),
        ("y" * 48 + " z", "y" * 48),
    ],
)
def test_slugs(title: str, slug: str) -> None:
    assert make_slug(title) == slug


@given(st.text())
def test_a_slug_is_always_an_id_with_room_for_a_suffix(title: str) -> None:
    slug = make_slug(title)
    assert explain_bad_id(slug) is None
    assert len(slug) <= 53
    assert explain_bad_id(f"{slug}-0z9a") is None


@given(st.text(max_size=20), st.sets(st.text(alphabet="ab-", max_size=4)))
def test_a_made_id_is_free_and_valid(title: str, others: set[str]) -> None:
    suffixes = iter(f"{n:04}" for n in range(10_000))
    taken = {make_slug(title), make_slug(title) + "-0000", *others}
    made = make_id(title, taken, lambda: next(suffixes))
    assert made not in taken
    assert explain_bad_id(made) is None
    assert make_id(title, set(), lambda: "never") == make_slug(title)


@settings(max_examples=60)
@given(st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True))
def test_git_takes_every_id_as_part_of_a_ref(text: str) -> None:
    ref = f"refs/baton/tasks/{text}"
    accepted = subprocess.run(["git", "check-ref-format", ref], check=False).returncode == 0
    if explain_bad_id(text) is None:
        assert accepted
    elif not re.fullmatch(r"config|sessions|(con|prn|aux|nul|com\d|lpt\d)(\..*)?", text):
        assert not accepted


KNOWN = ["add-cache", "add-login", "add-login-endpoint", "fix-typo"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("fix-typo", "fix-typo"),
        ("fix", "fix-typo"),
        ("FIX", "fix-typo"),
        ("add-login", "add-login"),  # exact before prefix
        ("Add-Login", "add-login"),  # without regard to case, too
        ("add-c", "add-cache"),
    ],
)
def test_an_id_is_found_whole_or_by_its_beginning(text: str, found: str) -> None:
    assert find_id(text, KNOWN) == found


def test_an_ambiguous_beginning_names_the_candidates() -> None:
    with pytest.raises(Refusal) as caught:
        find_id("add", KNOWN)
    error = caught.value
    assert (error.code, error.message) == (
        "ambiguous-id",
        "'add' could be add-cache, add-login, add-login-endpoint",
    )
    assert error.data == {"ids": KNOWN[:3]}


def test_many_candidates_are_cut_short() -> None:
    with pytest.raises(Refusal, match=r"^'t' could be t0, t1, t2, t3, t4, t5 …$"):
        find_id("t", [f"t{n}" for n in range(9)])
    with pytest.raises(Refusal, match=r"^'t' could be t0, t1, t2, t3, t4, t5$"):
        find_id("t", [f"t{n}" for n in range(6)])


@pytest.mark.parametrize("exact", [False, True])
def test_an_unknown_id_names_its_neighbours(exact: bool) -> None:
    with pytest.raises(Refusal) as caught:
        find_id("ad-cache", KNOWN, exact=exact)
    error = caught.value
    assert (error.code, error.message) == ("unknown-id", "there is no task 'ad-cache'")
    assert error.hint == "did you mean add-cache?"
    assert error.data == {"id": "ad-cache", "similar": ["add-cache"]}


def test_the_whole_id_is_wanted_where_it_matters() -> None:
    with pytest.raises(Refusal) as caught:
        find_id("f", KNOWN, exact=True)
    assert caught.value.hint == "did you mean fix-typo?"
    assert find_id("fix-typo", KNOWN, exact=True) == "fix-typo"


@pytest.mark.parametrize(
    ("noun", "known", "hint"),
    [
        ("task", KNOWN, "see the ids with: baton list"),
        ("plan", KNOWN, "there is: add-cache, add-login, add-login-endpoint, fix-typo"),
        ("plan", [], "there is none at all"),
    ],
)
def test_nothing_alike_leads_to_what_there_is(noun: str, known: list[str], hint: str) -> None:
    with pytest.raises(Refusal) as caught:
        find_id("zzz", known, noun=noun)
    assert (caught.value.message, caught.value.hint) == (f"there is no {noun} 'zzz'", hint)


def test_an_empty_text_names_nothing() -> None:
    with pytest.raises(Refusal, match="there is no task ''"):
        find_id("", ["only"])


def test_similar_names_come_best_first() -> None:
    assert find_similar("Implementor", ["tester", "implementer", "implement"]) == ["implementer", "implement"]
    assert find_similar("implementor", ["implementer", "implement"], 1) == ["implementer"]
    assert find_similar("x", ["implementer"]) == []
    assert len(find_similar("task", [f"task{n}" for n in range(9)])) == 3
