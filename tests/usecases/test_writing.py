"""Where an edit goes: to the base branch without a checkout, or to a proposal; this checkout stays as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gitbaton.edges.local_forge import LocalForge
from gitbaton.errors import Refusal, UsageError
from gitbaton.usecases.context import complete_task, save_context
from gitbaton.usecases.delivery import Delivery
from gitbaton.usecases.tasks import add_task, change_dependencies, set_fields, set_priority
from support.github_story import open_story
from support.hermetic_git import git
from support.photograph import Photograph, photograph
from support.repos import Checkout, make_repository, project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitbaton.usecases.project import Project
    from support.github_story import Story

pytestmark = pytest.mark.promise("edit.base")

BASE, PROPOSAL = Delivery("base"), Delivery("proposal")
FILES = {
    "tasks/config.yaml": "base: main\n",
    "tasks/a.yaml": "title: A  # first\nstatus: todo\npriority: low\n",
    "tasks/b.yaml": "title: B\n",
    "src/x.py": "x = 1\n",
}


@pytest.fixture(params=["remote", "alone"])
def work(request: pytest.FixtureRequest, tmp_path: Path) -> Checkout:
    """On a branch off base, with a person's work of every kind under way."""
    made = make_repository(tmp_path, {**FILES}, remote=request.param == "remote")
    made.git("switch", "--quiet", "-c", "feature")
    made.commit({"src/x.py": "x = 2\n"}, "Feature")
    made.write(
        {"src/x.py": "x = 3\n", "tasks/a.yaml": "title: A, typed\n", "tasks/b.yaml": "title: B, staged\n"}
    )
    made.git("add", "tasks/b.yaml")
    return made


def open_here(work: Checkout) -> Project:
    """The project; reviews happen on bare Git."""
    made = project(work, open_forge=lambda repo: LocalForge(repo, made.refs))
    return made


def server(work: Checkout) -> Path:
    """Where the shared branches are."""
    return work.remote or work.path


def picture(work: Checkout) -> Photograph:
    """The checkout without what others may move: shared branches and what is known of them."""
    found = photograph(work.path)
    return found._replace(refs={r: o for r, o in found.refs.items() if r in ("HEAD", "refs/heads/feature")})


def test_every_writer_reaches_base_and_leaves_the_checkout_alone(work: Checkout) -> None:
    before, start = picture(work), git(server(work), "rev-parse", "main")
    added = add_task(open_here(work), {"title": "New", "depends_on": ["a"]}, to=BASE)
    set_fields(open_here(work), "a", ["labels+=x"], to=BASE)
    set_priority(open_here(work), "a", "high", to=BASE)
    change_dependencies(open_here(work), "b", on=["new"], to=BASE)
    save_context(open_here(work), "b", {"summary": "Half"}, to=BASE)
    complete_task(open_here(work), "a", {"summary": "All"}, to=BASE)
    assert picture(work) == before
    log = git(server(work), "log", "--format=%s|%an|%P", f"{start}..main").splitlines()
    assert [line.split("|")[:2] for line in reversed(log)] == [
        [subject, "Tess Author"]
        for subject in (
            "Add task new: New", "Set labels of a", "Set priority of a to high", "Let b need new", "Save context of b", "Complete a: A",
        )
    ]  # fmt: skip
    assert git(server(work), "show", "main:tasks/a.yaml") == (
        "title: A  # first\nstatus: done\npriority: high\nlabels:\n  - x"
    )
    assert git(server(work), "show", "main:tasks/b.yaml") == "title: B\ndepends_on:\n  - new"
    assert git(server(work), "show", "main:src/x.py") == "x = 1"
    assert added.edited is not None
    assert (added.edited.branch, added.edited.off_base, added.edited.pushed) == (
        "main",
        False,
        work.remote is not None,
    )
    assert added.edited.commit == git(server(work), "rev-parse", "main~5")
    assert [*work.path.glob(".git/baton/*-*")] == []


def test_what_base_says_already_is_no_commit(work: Checkout) -> None:
    start = git(server(work), "rev-parse", "main")
    done = set_fields(open_here(work), "a", ["priority=low"], to=BASE).edited
    assert done is not None
    assert (done.commit, done.pushed) == (None, False)
    assert set_fields(open_here(work), "a", ["priority=low"], to=PROPOSAL).edited == done._replace()
    assert git(server(work), "for-each-ref", "--format=%(refname)", "refs/heads/baton") == ""
    assert git(server(work), "rev-parse", "main") == start


def test_base_is_judged_by_what_others_see(work: Checkout) -> None:
    work.commit({"tasks/mine.yaml": "title: Mine\n"}, "Only here")
    with pytest.raises(Refusal) as refused:
        set_fields(open_here(work), "mine", ["priority=high"], to=BASE)
    assert refused.value.code == "unknown-id"


def test_base_that_is_checked_out_here_is_an_ordinary_edit(work: Checkout) -> None:
    work.git("stash", "--quiet")
    work.git("switch", "--quiet", "main")
    before = git(server(work), "rev-parse", "main")
    done = set_fields(open_here(work), "a", ["priority=high"], to=BASE).edited
    assert done is not None
    assert done.commit == work.head()
    assert (done.branch, done.pushed, work.status()) == ("main", False, "")
    assert "priority: high" in work.read("tasks/a.yaml")
    if work.remote:
        assert git(server(work), "rev-parse", "main") == before, "as after any edit, pushing is asked for"


@pytest.mark.promise("edit.branch", "edit.proposal")
def test_on_a_detached_head_both_flags_work(work: Checkout) -> None:
    work.git("stash", "--quiet")
    work.git("switch", "--quiet", "--detach")
    before = photograph(work.path)
    with pytest.raises(Refusal) as refused:
        set_fields(open_here(work), "a", ["priority=high"])
    assert refused.value.code == "detached-head"
    for flag in ("--base", "--propose"):
        assert flag in (refused.value.hint or "")
    assert photograph(work.path) == before
    set_fields(open_here(work), "a", ["priority=high"], to=BASE)
    assert "priority: high" in git(server(work), "show", "main:tasks/a.yaml")
    assert set_fields(open_here(work), "b", ["priority=high"], to=PROPOSAL).edited is not None


@pytest.mark.promise("edit.none-lost")
def test_a_lost_race_makes_the_edit_anew(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {**FILES}, remote=True)
    other = work.clone("other")
    work.git("switch", "--quiet", "-c", "feature")
    here = open_here(work)
    fetch, races = here.refs.fetch_branch, iter(["medium", "critical"])

    def meddled(branch: str) -> str | None:
        tip = fetch(branch)
        if level := next(races, None):
            other.git("pull", "--quiet")
            text = other.read("tasks/a.yaml").replace("status: todo", f"status: todo\nx-{level}: 1")
            other.commit({"tasks/a.yaml": text, f"{level}.txt": level}, level, push=True)
        return tip

    here.refs.fetch_branch = meddled  # type: ignore[method-assign] # somebody else is always faster
    set_fields(here, "a", ["priority=high"], to=BASE)
    text = git(work.remote or work.path, "show", "main:tasks/a.yaml")
    assert "priority: high" in text
    assert text.count("x-") == 2
    assert git(work.remote or work.path, "log", "--format=%s", "main").splitlines() == [
        "Set priority of a", "critical", "medium", "Start",
    ]  # fmt: skip


def forbid(work: Checkout, ref: str) -> None:
    """The server refuses pushes to ``ref``, as a protected branch."""
    assert work.remote is not None
    hook = work.remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'#!/bin/sh\n[ "$1" != {ref} ] || {{ echo "{ref} is protected" >&2; exit 1; }}\n')
    hook.chmod(0o755)


def test_a_protected_base_names_the_way_out(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {**FILES}, remote=True)
    forbid(work, "refs/heads/main")
    work.git("switch", "--quiet", "-c", "feature")
    before = photograph(work.path)
    with pytest.raises(Refusal, match="refs/heads/main is protected") as refused:
        set_fields(open_here(work), "a", ["priority=high"], to=BASE)
    assert refused.value.code == "push-refused"
    assert "--propose" in (refused.value.hint or "")
    assert photograph(work.path) == before
    assert set_fields(open_here(work), "a", ["priority=high"], to=PROPOSAL).edited is not None


def test_without_a_base_there_is_nothing_to_commit_to(tmp_path: Path) -> None:
    work = make_repository(tmp_path, remote=True)
    work.commit({**FILES})
    work.git("switch", "--quiet", "-c", "feature")
    for to in (BASE, PROPOSAL):
        with pytest.raises(Refusal) as refused:
            add_task(open_here(work), {"title": "New"}, to=to)
        assert (refused.value.code, refused.value.hint) == ("no-base", "git push origin main")


# -- base in another worktree ------------------------------------------------------------------------------------


@pytest.fixture
def twin(tmp_path: Path) -> tuple[Checkout, Checkout]:
    """Without a remote: a feature branch here, base in another worktree."""
    made = make_repository(tmp_path, {**FILES})
    made.git("switch", "--quiet", "-c", "feature")
    made.git("worktree", "add", "--quiet", "../main-here", "main")
    return made, Checkout(tmp_path / "main-here")


def test_another_worktree_that_has_base_goes_along(twin: tuple[Checkout, Checkout]) -> None:
    work, main = twin
    main.write({"src/x.py": "x = 9\n", "loose.txt": "mine\n"})
    set_fields(open_here(work), "a", ["priority=high"], to=BASE)
    add_task(open_here(work), {"title": "New"}, to=BASE)
    assert main.status() == " M src/x.py\n?? loose.txt"
    assert "priority: high" in main.read("tasks/a.yaml")
    assert (main.path / "tasks/new.yaml").exists()


def test_a_file_that_is_in_the_way_there_is_named(twin: tuple[Checkout, Checkout]) -> None:
    work, main = twin
    main.write({"tasks/a.yaml": "title: A, typed there\n"})
    before, there = photograph(work.path), photograph(main.path)
    with pytest.raises(Refusal) as refused:
        set_fields(open_here(work), "a", ["priority=high"], to=BASE)
    assert refused.value.code == "dirty-files"
    assert refused.value.data == {"files": ["tasks/a.yaml"], "worktree": str(main.path)}
    assert (photograph(work.path), photograph(main.path)) == (before, there)


# -- identity and signing ------------------------------------------------------------------------------------------


@pytest.mark.promise("edit.identity")
@pytest.mark.parametrize("to", [BASE, PROPOSAL], ids=["base", "proposal"])
def test_without_an_identity_nothing_happens(
    work: Checkout, monkeypatch: pytest.MonkeyPatch, to: Delivery
) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    work.git("config", "user.useConfigOnly", "true")
    before, refs = picture(work), git(server(work), "for-each-ref")
    with pytest.raises(Refusal) as refused:
        set_fields(open_here(work), "a", ["priority=high"], to=to)
    assert refused.value.code == "no-identity"
    assert (picture(work), git(server(work), "for-each-ref")) == (before, refs)


@pytest.mark.promise("edit.identity")
@pytest.mark.parametrize("to", [BASE, PROPOSAL], ids=["base", "proposal"])
def test_commits_are_signed_where_the_person_signs(work: Checkout, to: Delivery) -> None:
    program = work.path.parent / "fake-gpg"
    program.write_text(
        "#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "printf '%s\\n' '-----BEGIN PGP SIGNATURE-----' '' fake '-----END PGP SIGNATURE-----'\n"
    )
    program.chmod(0o755)
    work.git("config", "gpg.program", str(program))
    work.git("config", "commit.gpgsign", "true")
    done = set_fields(open_here(work), "a", ["priority=high"], to=to).edited
    assert done is not None
    assert "gpgsig -----BEGIN" in git(server(work), "cat-file", "commit", done.branch or "")


# -- proposals ----------------------------------------------------------------------------------------------------


@pytest.mark.promise("edit.proposal")
def test_a_proposal_is_a_branch_of_its_own(work: Checkout) -> None:
    before, start = picture(work), git(server(work), "rev-parse", "main")
    first = set_fields(open_here(work), "a", ["priority=high"], to=PROPOSAL).edited
    second = set_fields(open_here(work), "a", ["priority=critical"], to=PROPOSAL).edited
    assert first is not None
    assert second is not None
    assert first.branch is not None
    assert first.branch.startswith("baton/edit-a-")
    assert second.branch != first.branch
    assert picture(work) == before
    assert git(server(work), "rev-parse", "main") == start
    for done, level in ((first, "high"), (second, "critical")):
        assert git(server(work), "rev-parse", str(done.branch)) == done.commit
        assert (
            git(server(work), "log", "--format=%P|%s", "-1", str(done.branch)) == f"{start}|Set priority of a"
        )
        assert f"priority: {level}" in git(server(work), "show", f"{done.branch}:tasks/a.yaml")
    tip = f"origin/{first.branch}" if work.remote else first.branch
    assert first.note == f"merge it, with main checked out: git merge {tip}"
    work.git("stash", "--quiet")
    work.git("switch", "--quiet", "main")
    work.git("merge", "--quiet", tip)
    assert "priority: high" in work.read("tasks/a.yaml")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with open_story(tmp_path) as told:
        yield told


@pytest.mark.promise("edit.proposal")
def test_a_proposal_opens_a_pull_request(story: Story) -> None:
    work = Checkout(story.checkout)
    forge = story.forge()
    here = project(work, open_forge=lambda _: forge)
    done = add_task(here, {"title": "Answer health checks"}, to=PROPOSAL).edited
    assert done is not None
    assert done.branch is not None
    opened = forge.find_review(done.branch)
    assert opened is not None
    assert (opened.state, opened.base, opened.url) == ("open", "main", done.url)
    assert done.note is None
    assert work.status() == ""


@pytest.mark.promise("edit.proposal")
def test_a_forge_that_can_t_be_asked_leaves_the_branch(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {**FILES}, remote=True)

    def no_token(_: object) -> LocalForge:
        raise Refusal("there is no token for GitHub", code="no-credentials")

    done = set_fields(project(work, open_forge=no_token), "a", ["priority=high"], to=PROPOSAL).edited
    assert done is not None
    assert done.note == "no pull request was opened: there is no token for GitHub"
    assert git(server(work), "rev-parse", str(done.branch)) == done.commit


@pytest.mark.promise("attempt.commits-nothing")
def test_inside_an_attempt_nothing_is_committed(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {**FILES})
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    inside = project(work, environment={"BATON_TASK": "a", "BATON_ATTEMPT": "1"})
    inside = replace(inside, outbox=outbox)
    before = photograph(work.path)
    assert add_task(inside, {"title": "More"}, to=BASE).edited is None
    with pytest.raises(Refusal, match="inside an attempt"):
        set_fields(inside, "a", ["priority=high"], to=BASE)
    assert photograph(work.path) == before
    assert len(list(outbox.iterdir())) == 1


def test_usage_is_checked_before_anything_is_fetched(work: Checkout) -> None:
    with pytest.raises(UsageError):
        set_fields(open_here(work), "a", ["nonsense=1"], to=BASE)
