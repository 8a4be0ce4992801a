"""Bringing a branch and its remote together: whole commits, field by field, or nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import Refusal, TryAgain
from gitbaton.store.git import Git
from gitbaton.usecases.delivery import Delivery
from gitbaton.usecases.exchange import Exchange, exchange_documents
from gitbaton.usecases.tasks import add_task, set_fields
from support.hermetic_git import git
from support.photograph import Photograph, photograph
from support.repos import Checkout, make_repository, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.promise("edit.exchange")

TASK = "tasks/a.yaml"
TEXT = "title: A  # first\n\nstatus: todo\n\npriority: low\nlabels: [x]\n"
FILES = {"tasks/config.yaml": "base: main\n", TASK: TEXT, "tasks/b.yaml": "title: B\n", "src/x.py": "x = 1\n"}
PUSH = Delivery(push=True)


@pytest.fixture
def work(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {**FILES}, remote=True)


@pytest.fixture
def other(work: Checkout) -> Checkout:
    """Somebody else's clone."""
    return work.clone("other")


def change(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def theirs(other: Checkout, *pairs: tuple[str, str], path: str = TASK) -> str:
    """Somebody else pushes a change of a file."""
    other.git("pull", "--quiet")
    return other.commit({path: change(other.read(path), *pairs)}, "Theirs", push=True)


def subjects(where: Checkout, revision: str = "HEAD") -> list[str]:
    return where.git("log", "--format=%s", revision).splitlines()


def refused(work: Checkout, act: Callable[[], object]) -> Refusal:
    """What ``act`` refuses; it must leave everything as it was."""
    before = _without_seen(photograph(work.path))
    with pytest.raises(Refusal) as found:
        act()
    assert _without_seen(photograph(work.path)) == before
    return found.value


def _without_seen(found: Photograph) -> Photograph:
    return found._replace(refs={r: o for r, o in found.refs.items() if not r.startswith("refs/remotes/")})


def test_nothing_to_exchange(work: Checkout) -> None:
    before = photograph(work.path)
    assert exchange_documents(project(work), push=True) == Exchange("main")
    assert photograph(work.path) == before


def test_only_they_moved(work: Checkout, other: Checkout) -> None:
    new = theirs(other, ("low", "high"))
    work.write({"src/x.py": "x = 2\n", "loose.txt": "mine\n"})
    done = exchange_documents(project(work))
    assert done == Exchange("main", fetched=((new, "Theirs"),))
    assert (work.head(), work.status()) == (new, " M src/x.py\n?? loose.txt")
    assert "priority: high" in work.read(TASK)


def test_only_we_moved(work: Checkout) -> None:
    set_fields(project(work), "a", ["priority=high"])
    assert exchange_documents(project(work)).pushed == (), "pushing is asked for"
    done = exchange_documents(project(work), push=True)
    assert done.pushed == ((work.head(), "Set priority of a"),)
    assert work.git("ls-remote", "origin", "refs/heads/main").split()[0] == work.head()


def test_both_moved(work: Checkout, other: Checkout) -> None:
    new = theirs(other, ("priority: low", "priority: high  # theirs"), ("[x]", "[x, theirs]"))
    work.git("config", "user.name", "Somebody Else")
    work.write({TASK: change(TEXT, ("title: A", "title: Mine"))})
    work.git(
        "commit",
        "--quiet",
        "--all",
        "--author=Ann <ann@x>",
        "--date=@1234567890 +0200",
        "-m",
        "Rename\n\nBecause.\n",
    )
    set_fields(project(work), "a", ["labels+=mine"])
    old = work.git("rev-list", "--reverse", "origin/main~0..HEAD").splitlines()
    work.write({"src/x.py": "x = 2\n", "loose.txt": "mine\n"})
    done = exchange_documents(project(work), push=True)
    assert done.fetched == ((new, "Theirs"),)
    assert [(c.old, c.subject) for c in done.reapplied] == [(old[0], "Rename"), (old[1], "Set labels of a")]
    assert [c.new for c in done.reapplied] == [work.git("rev-parse", "HEAD~1"), work.head()]
    assert [s for _, s in done.pushed] == ["Rename", "Set labels of a"]
    assert work.git("log", "-1", "--format=%an|%ae|%ad|%P|%B", "--date=raw", "HEAD~1") == (
        f"Ann|ann@x|1234567890 +0200|{new}|Rename\n\nBecause.\n"
    )
    assert (
        work.git("cat-file", "commit", "HEAD~1").partition("\n\n")[2]
        == work.git("cat-file", "commit", old[0]).partition("\n\n")[2]
    )
    assert work.read(TASK) == change(
        TEXT,
        ("title: A", "title: Mine"),
        ("priority: low", "priority: high  # theirs"),
        ("[x]", "[x, theirs, mine]"),
    )
    assert work.status() == " M src/x.py\n?? loose.txt"
    assert work.git("rev-parse", "origin/main") == work.head()
    assert exchange_documents(project(work), push=True) == Exchange("main")


def test_conflicts_are_named_and_nothing_changes(work: Checkout, other: Checkout) -> None:
    theirs(other, ("low", "high"), ("title: A", "title: Theirs"))
    set_fields(project(work), "b", ["priority=high"])
    set_fields(project(work), "a", ["priority=critical", "title=Mine", "role=tester"])
    work.write({"src/x.py": "x = 2\n"})
    said = refused(work, lambda: exchange_documents(project(work), push=True))
    assert said.code == "merge-conflict"
    assert said.data["conflicts"] == [{"path": TASK, "fields": ["title", "priority"]}]
    assert said.message == "you and origin/main changed the same: tasks/a.yaml (title, priority)"
    assert "git pull --rebase origin main" in (said.hint or "")


def test_one_task_added_by_both(work: Checkout, other: Checkout) -> None:
    other.commit({"tasks/new.yaml": "title: Same\npriority: high\n"}, push=True)
    work.commit({"tasks/new.yaml": "title: Same\nrole: tester\n"})
    exchange_documents(project(work))
    assert sorted(work.read("tasks/new.yaml").splitlines()) == [
        "priority: high",
        "role: tester",
        "title: Same",
    ]
    other.commit({"tasks/more.yaml": "title: Theirs\n"}, push=True)
    work.commit({"tasks/more.yaml": "title: Mine\n"})
    said = refused(work, lambda: exchange_documents(project(work)))
    assert said.data["conflicts"] == [{"path": "tasks/more.yaml", "fields": ["title"]}]


def test_a_task_deleted_on_one_side(work: Checkout, other: Checkout) -> None:
    other.commit({"tasks/b.yaml": None}, push=True)
    work.commit({TASK: None, "tasks/b.yaml": None}, "Both go")
    exchange_documents(project(work))
    assert work.git("ls-files", "tasks") == "tasks/config.yaml"
    assert work.git("show", "--name-status", "--format=", "HEAD") == f"D\t{TASK}"


@pytest.mark.parametrize("deleted_here", [True, False])
def test_a_task_deleted_here_and_changed_there(
    work: Checkout, other: Checkout, *, deleted_here: bool
) -> None:
    theirs(other, ("low", "high")) if deleted_here else other.commit({TASK: None}, push=True)
    work.commit({TASK: None}) if deleted_here else set_fields(project(work), "a", ["priority=high"])
    said = refused(work, lambda: exchange_documents(project(work)))
    where = "changed there, deleted here" if deleted_here else "changed here, deleted there"
    assert said.data["conflicts"] == [{"path": TASK, "fields": [where]}]


@pytest.mark.parametrize("moved_here", [True, False])
def test_a_task_that_one_side_moved_to_another_folder(
    work: Checkout, other: Checkout, *, moved_here: bool
) -> None:
    mover, editor = (work, other) if moved_here else (other, work)
    mover.commit({TASK: None, "tasks/archive/2026/a.yaml": TEXT.replace("todo", "done")}, "Archive")
    editor.commit({TASK: TEXT.replace("low", "high")}, "Edit")
    other.git("push", "--quiet", "origin", "main")
    exchange_documents(project(work))
    assert work.git("ls-files", "tasks") == "tasks/archive/2026/a.yaml\ntasks/b.yaml\ntasks/config.yaml"
    assert work.read("tasks/archive/2026/a.yaml") == change(TEXT, ("todo", "done"), ("low", "high"))
    assert work.status() == ""


def test_what_they_did_already_is_dropped(work: Checkout, other: Checkout) -> None:
    new = theirs(other, ("low", "high"), ("[x]", "[x, y]"))
    old = work.commit({TASK: change(TEXT, ("low", "high"))}, "Mine")
    done = exchange_documents(project(work), push=True)
    assert [(c.old, c.new) for c in done.reapplied] == [(old, None)]
    assert (work.head(), done.pushed) == (new, ())


def test_other_files_under_tasks_are_merged_by_lines(work: Checkout, other: Checkout) -> None:
    page = "tasks/docs/notes.md"
    work.commit({page: "1\n2\n3\n4\n5\n"}, push=True)
    other.git("pull", "--quiet")
    theirs(other, ("1", "one"), path=page)
    work.commit({page: "1\n2\n3\n4\nfive\n"})
    exchange_documents(project(work))
    assert work.read(page) == "one\n2\n3\n4\nfive\n"
    exchange_documents(project(work), push=True)
    theirs(other, ("five", "FIVE"), path=page)
    work.commit({page: "one\n2\n3\n4\n5.0\n"})
    said = refused(work, lambda: exchange_documents(project(work)))
    assert said.data["conflicts"] == [{"path": page, "fields": ["the same lines"]}]


# -- what it leaves to people ----------------------------------------------------------------------------------------


def test_commits_of_other_files(work: Checkout, other: Checkout) -> None:
    theirs(other, ("low", "high"))
    work.commit({TASK: change(TEXT, ("todo", "draft")), "src/x.py": "x = 2\n"})
    said = refused(work, lambda: exchange_documents(project(work), push=True))
    assert (said.code, said.data["files"]) == ("other-changes", ["src/x.py"])
    assert said.hint == "bring them together yourself: git pull --rebase origin main"


def test_a_merge_among_the_commits(work: Checkout, other: Checkout) -> None:
    theirs(other, ("low", "high"))
    work.git("switch", "--quiet", "-c", "side")
    work.commit({"tasks/c.yaml": "title: C\n"})
    work.git("switch", "--quiet", "main")
    work.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    said = refused(work, lambda: exchange_documents(project(work)))
    assert (said.code, said.hint) == (
        "not-linear",
        "bring them together yourself: git pull --no-rebase origin main",
    )


@pytest.mark.promise("edit.other-work")
def test_files_in_the_way(work: Checkout, other: Checkout) -> None:
    theirs(other, ("low", "high"))
    set_fields(project(work), "b", ["priority=high"])
    work.write({TASK: TEXT + "# typed\n"})
    said = refused(work, lambda: exchange_documents(project(work)))
    assert (said.code, said.data["files"]) == ("dirty-files", [TASK])


def test_a_merge_in_progress(work: Checkout, other: Checkout) -> None:
    work.git("switch", "--quiet", "-c", "side")
    work.commit({"tasks/c.yaml": "title: C\n"})
    work.git("switch", "--quiet", "main")
    theirs(other, ("low", "high"))
    work.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    assert refused(work, lambda: exchange_documents(project(work))).code == "operation-in-progress"


def test_branches_that_go_elsewhere(work: Checkout) -> None:
    work.git("remote", "add", "fork", str(work.remote))
    work.git("config", "branch.main.remote", "fork")
    assert refused(work, lambda: exchange_documents(project(work))).code == "other-upstream"


def test_no_branch_and_no_remote(work: Checkout, tmp_path: Path) -> None:
    work.git("switch", "--quiet", "--detach")
    assert exchange_documents(project(work)).note == "no branch is checked out here"
    assert refused(work, lambda: exchange_documents(project(work), push=True)).code == "detached-head"
    alone = make_repository(tmp_path, {**FILES}, name="alone")
    assert exchange_documents(project(alone)).note == "there is no remote"
    assert refused(alone, lambda: exchange_documents(project(alone), push=True)).code == "no-remote"


def test_an_upstream_of_another_name(work: Checkout, other: Checkout) -> None:
    new = theirs(other, ("low", "high"))
    work.git("switch", "--quiet", "-c", "mine", "--track", "origin/main")
    set_fields(project(work), "a", ["title=Mine"])
    exchange_documents(project(work), push=True)
    assert git(work.remote or work.path, "rev-parse", "main~1") == new
    assert git(work.remote or work.path, "branch", "--list", "mine") == ""


@pytest.mark.promise("edit.identity")
def test_without_an_identity_nothing_happens(
    work: Checkout, other: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs(other, ("low", "high"))
    set_fields(project(work), "a", ["title=Mine"])
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    work.git("config", "user.useConfigOnly", "true")
    assert refused(work, lambda: exchange_documents(project(work))).code == "no-identity"


def test_signatures_are_made_anew(work: Checkout, other: Checkout) -> None:
    theirs(other, ("low", "high"))
    set_fields(project(work), "a", ["title=Mine"])
    program = work.path.parent / "fake-gpg"
    program.write_text(
        "#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "printf '%s\\n' '-----BEGIN PGP SIGNATURE-----' '' fake '-----END PGP SIGNATURE-----'\n"
    )
    program.chmod(0o755)
    work.git("config", "gpg.program", str(program))
    work.git("config", "commit.gpgsign", "true")
    exchange_documents(project(work))
    assert "gpgsig -----BEGIN" in work.git("cat-file", "commit", "HEAD")


# -- pushing an edit -----------------------------------------------------------------------------------------------


def test_an_edit_is_pushed_onto_a_moved_remote(work: Checkout, other: Checkout) -> None:
    new = theirs(other, ("low", "high"))
    done = set_fields(project(work), "a", ["title=Mine"], to=PUSH).edited
    assert done is not None
    assert (done.commit, done.pushed, done.note) == (work.head(), True, None)
    assert work.git("rev-parse", "HEAD~1", "origin/main").splitlines() == [new, work.head()]
    assert work.read(TASK) == change(TEXT, ("low", "high"), ("title: A", "title: Mine"))


@pytest.mark.promise("edit.none-lost")
def test_an_edit_that_can_not_be_pushed_stays_committed(work: Checkout, other: Checkout) -> None:
    theirs(other, ("low", "high"))
    with pytest.raises(
        Refusal, match=r"^committed here, but not pushed: you and origin/main changed the same"
    ) as found:
        set_fields(project(work), "a", ["priority=critical"], to=PUSH)
    assert found.value.data["commit"] == work.head()
    assert (work.status(), subjects(work)) == ("", ["Set priority of a", "Start"])


@pytest.mark.promise("edit.not-pushed")
def test_push_auto_pushes_tasks_alone(work: Checkout) -> None:
    work.commit({"tasks/config.yaml": "base: main\npush: auto\n"}, push=True)
    one = add_task(project(work), {"title": "One"}).edited
    assert one is not None
    assert one.pushed is True
    assert work.git("rev-parse", "origin/main") == work.head()
    work.commit({"src/x.py": "x = 2\n"}, "Not finished yet")
    done = add_task(project(work), {"title": "Two"}).edited
    assert done is not None
    assert done.pushed is False
    assert done.note == "not pushed: unpushed commits here change more than tasks (src/x.py)"
    assert work.git("rev-list", "--count", "origin/main..main") == "2"
    assert add_task(project(work), {"title": "Three"}, to=PUSH).edited is not None
    assert work.git("rev-list", "--count", "origin/main..main") == "0"


def test_a_race_that_is_lost_again_and_again(work: Checkout, other: Checkout) -> None:
    set_fields(project(work), "a", ["title=Mine"])
    here = project(work)
    swap, races = here.refs.swap, iter(["low", "medium", "high"])

    def meddled(updates: object) -> None:
        if level := next(races, None):
            theirs(other, ("priority: ", f"x-{level}: 1\npriority: "))
        swap(updates)  # type: ignore[arg-type] # handed through

    here.refs.swap = meddled  # type: ignore[method-assign] # somebody else is always faster
    done = exchange_documents(here, push=True)
    assert [s for _, s in done.fetched] == ["Theirs"] * 3
    assert [(c.subject, c.new) for c in done.reapplied] == [("Set title of a", work.head())]
    assert work.git("rev-parse", "origin/main") == work.head()
    assert work.read(TASK).count("x-") == 3


@pytest.mark.promise("edit.interrupted")
def test_a_move_that_is_cut_off_is_completed(
    work: Checkout, other: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch has moved, the files have not: the next command brings them along."""
    theirs(other, ("low", "high"))
    set_fields(project(work), "a", ["title=Mine"])
    run = Git.run

    def dies(self: Git, *args: str, **options: object) -> object:
        if args[0] == "read-tree" and "--dry-run" not in args:
            raise TryAgain("cut off", code="cut-off")
        return run(self, *args, **options)  # type: ignore[arg-type] # handed through

    with monkeypatch.context() as cut:
        cut.setattr(Git, "run", dies)
        with pytest.raises(TryAgain):
            exchange_documents(project(work))
    assert work.status() != ""
    assert exchange_documents(project(work), push=True).pushed[0][0] == work.head()
    set_fields(project(work), "b", ["priority=high"])
    assert work.status() == ""
    assert work.read(TASK) == change(TEXT, ("low", "high"), ("title: A", "title: Mine"))
