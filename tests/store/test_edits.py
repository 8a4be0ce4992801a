"""One edit, one commit: it changes its file and nothing else, whatever a person has under way."""

from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import InvalidDocument, Refusal, TryAgain
from gitbaton.store import checkout as checkout_module
from gitbaton.store.edits import Edited, commit_edits
from gitbaton.store.repository import open_repository
from gitbaton.store.yamledit import SetField, edit_yaml
from support.hermetic_git import git, git_environment
from support.photograph import photograph
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.promise("edit.one-commit")

TASK = "tasks/a.yaml"
TEXT = "title: A  # first\npriority: low\n\nstatus: todo\n\nlabels: [x]\n"


def set_priority(level: str = "high", path: str = TASK) -> Callable[[bytes | None], bytes]:
    """An edit of one field."""

    def change(old: bytes | None) -> bytes:
        if old is None:
            raise Refusal(f"{path} is not here", code="not-here")
        return edit_yaml(old, path, [SetField(("priority",), level)])

    return change


def create(text: str) -> Callable[[bytes | None], bytes]:
    """A new file."""

    def change(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal("it exists", code="taken")
        return text.encode()

    return change


def edit(where: Checkout | Path, path: str = TASK, level: str = "high") -> Edited:
    """Set the priority of ``path`` in a checkout."""
    top = where.path if isinstance(where, Checkout) else where
    return commit_edits(open_repository(top), {path: set_priority(level, path)}, f"Set priority to {level}")


@pytest.fixture
def work(tmp_path: Path) -> Checkout:
    return make_repository(
        tmp_path, {TASK: TEXT, "tasks/b.yaml": "title: B\n", "src/x.py": "x = 1\n", "run.sh": "#!/bin/sh\n"}
    )


def changed(text: str = TEXT) -> str:
    return text.replace("priority: low", "priority: high")


def committed(work: Checkout, path: str = TASK) -> str:
    return work.git("show", f"HEAD:{path}") + "\n"


def test_a_commit_holds_only_the_edit(work: Checkout) -> None:
    before = photograph(work.path)
    done = edit(work)
    assert done == Edited(work.head(), "main", (TASK,), (), off_base=False)
    assert work.git("show", "--name-status", "--format=%s|%an|%P", "HEAD") == (
        f"Set priority to high|Tess Author|{before.refs['refs/heads/main']}\n\nM\t{TASK}"
    )
    assert committed(work) == work.read(TASK) == changed()
    assert work.status() == ""
    assert work.git("diff-files") == "", "the index knows the new file's times"
    assert photograph(work.path).without([TASK], ["refs/heads/main"]) == before.without(
        [TASK], ["refs/heads/main"]
    )
    assert work.git("reflog", "-1", "--format=%gs") == "baton: Set priority to high"


@pytest.mark.promise("edit.other-work")
def test_staged_unstaged_and_untracked_work_elsewhere(work: Checkout) -> None:
    work.write({"src/x.py": "x = 2\n", "src/new.py": "n = 1\n", "src/loose.py": "l = 1\n", "run.sh": None})
    work.git("add", "src/x.py", "src/new.py")
    work.write(
        {"src/x.py": "x = 3\n", "tasks/b.yaml": "title: B, unsaved\n", "tasks/draft.yaml": "title: D\n"}
    )
    (work.path / "src/x.py").chmod(0o755)
    (work.path / "link").symlink_to("run.sh")
    before, status = photograph(work.path), work.status()
    edit(work)
    assert photograph(work.path).without([TASK], ["refs/heads/main"]) == before.without(
        [TASK], ["refs/heads/main"]
    )
    assert work.status() == status
    assert work.git("show", "--name-only", "--format=", "HEAD") == TASK


@pytest.mark.promise("edit.three-texts")
def test_staged_and_unstaged_work_in_the_same_file(work: Checkout) -> None:
    staged = TEXT.replace("title: A", "title: A staged")
    working = staged.replace("[x]", "[x, y]") + "# unstaged\n"
    work.write({TASK: staged})
    work.git("add", TASK)
    work.write({TASK: working})
    (work.path / TASK).chmod(0o664)
    edit(work)
    assert committed(work) == changed()
    assert work.git("show", f":{TASK}") + "\n" == changed(staged)
    assert work.read(TASK) == changed(working)
    assert work.status() == f"MM {TASK}"
    assert stat.S_IMODE((work.path / TASK).stat().st_mode) == 0o664


@pytest.mark.promise("edit.three-texts")
def test_an_unstaged_edit_stays_unstaged(work: Checkout) -> None:
    work.write({TASK: TEXT + "# mine\n"})
    edit(work)
    assert work.status() == f" M {TASK}"
    assert work.git("diff", "--stat", "--cached") == ""
    assert work.git("show", f":{TASK}") + "\n" == changed()
    assert work.read(TASK) == changed() + "# mine\n"


@pytest.mark.promise("edit.all-or-nothing")
def test_a_refusal_of_one_text_changes_nothing(work: Checkout) -> None:
    work.write({TASK: TEXT})
    work.git("add", TASK)
    work.write({TASK: "title: [broken\n"})
    before, status = photograph(work.path), work.status()
    with pytest.raises(InvalidDocument, match="working copy"):
        edit(work)
    assert (photograph(work.path), work.status()) == (before, status)


@pytest.mark.promise("edit.all-or-nothing")
def test_a_second_file_that_refuses_stops_the_first(work: Checkout) -> None:
    before = photograph(work.path)
    changes = {TASK: set_priority(), "tasks/b.yaml": create("title: B\n")}
    with pytest.raises(Refusal, match="it exists"):
        commit_edits(open_repository(work.path), changes, "Two")
    assert photograph(work.path) == before


def test_several_files_are_one_commit(work: Checkout) -> None:
    changes = {
        TASK: set_priority(),
        "tasks/plans/p.yaml": create("goal: G\n"),
        "tasks/b.yaml": lambda _: None,
    }
    done = commit_edits(open_repository(work.path), changes, "Three")
    assert done.paths == (TASK, "tasks/plans/p.yaml", "tasks/b.yaml")
    assert work.git("show", "--name-status", "--format=", "HEAD").splitlines() == [
        f"M\t{TASK}", "D\ttasks/b.yaml", "A\ttasks/plans/p.yaml",
    ]  # fmt: skip
    assert work.status() == ""
    assert not (work.path / "tasks/b.yaml").exists()


def test_nothing_to_change_is_no_commit(work: Checkout) -> None:
    before = photograph(work.path)
    assert edit(work, level="low") == Edited(None, "main", ())
    assert photograph(work.path) == before


def test_what_is_committed_already_reaches_the_working_copy(work: Checkout) -> None:
    work.commit({TASK: changed()})
    work.write({TASK: TEXT})
    work.git("add", TASK)
    done = edit(work)
    assert done == Edited(None, "main", (TASK,))
    assert work.status() == ""


@pytest.mark.promise("edit.three-texts")
def test_an_untracked_file_is_changed_where_it_is(work: Checkout) -> None:
    work.write({"tasks/c.yaml": TEXT})
    head = work.head()
    assert edit(work, "tasks/c.yaml") == Edited(None, "main", (), ("tasks/c.yaml",))
    assert work.read("tasks/c.yaml") == changed()
    assert (work.head(), work.status()) == (head, "?? tasks/c.yaml")


@pytest.mark.promise("edit.three-texts")
def test_a_file_that_is_only_staged_is_changed_in_both_places(work: Checkout) -> None:
    work.write({"tasks/c.yaml": TEXT})
    work.git("add", "tasks/c.yaml")
    work.write({"tasks/c.yaml": TEXT + "# more\n"})
    assert edit(work, "tasks/c.yaml").uncommitted == ("tasks/c.yaml",)
    assert work.git("show", ":tasks/c.yaml") + "\n" == changed()
    assert work.read("tasks/c.yaml") == changed() + "# more\n"
    assert work.status() == "AM tasks/c.yaml"


def test_a_file_that_is_staged_but_gone_stays_gone(work: Checkout) -> None:
    work.write({"tasks/c.yaml": TEXT})
    work.git("add", "tasks/c.yaml")
    work.write({"tasks/c.yaml": None})
    edit(work, "tasks/c.yaml")
    assert work.git("show", ":tasks/c.yaml") + "\n" == changed()
    assert work.status() == "AD tasks/c.yaml"


def test_an_intent_to_add_stays_one(work: Checkout) -> None:
    work.write({"tasks/c.yaml": TEXT})
    work.git("add", "--intent-to-add", "tasks/c.yaml")
    status = work.status()
    edit(work, "tasks/c.yaml")
    assert work.read("tasks/c.yaml") == changed()
    assert work.status() == status == " A tasks/c.yaml"


@pytest.mark.promise("edit.other-work")
def test_a_file_deleted_here_is_edited_in_git_and_stays_deleted(work: Checkout) -> None:
    work.write({TASK: None})
    edit(work)
    assert committed(work) == changed()
    assert work.status() == f" D {TASK}"


def test_a_staged_deletion_stays_staged(work: Checkout) -> None:
    work.git("rm", "--quiet", TASK)
    edit(work)
    assert committed(work) == changed()
    assert work.status() == f"D  {TASK}"


def test_a_new_file_never_takes_a_persons_place(work: Checkout) -> None:
    work.write({"tasks/c.yaml": "title: mine\n"})
    before = photograph(work.path)
    with pytest.raises(Refusal, match="it exists"):
        commit_edits(open_repository(work.path), {"tasks/c.yaml": create(TEXT)}, "Add")
    assert photograph(work.path) == before


def test_mode_bits_stay(work: Checkout) -> None:
    (work.path / TASK).chmod(0o755)
    work.git("commit", "--quiet", "-am", "Executable")
    edit(work)
    assert work.git("ls-tree", "HEAD", TASK).startswith("100755 blob")
    assert work.git("ls-files", "--stage", TASK).startswith("100755")
    assert stat.S_IMODE((work.path / TASK).stat().st_mode) == 0o755
    assert work.status() == ""


@pytest.mark.promise("edit.smallest-change")
def test_line_endings_of_the_checkout_stay(work: Checkout) -> None:
    """``core.autocrlf``: the working file has CRLF, git has LF; both are edited as they are."""
    work.git("config", "core.autocrlf", "true")
    (work.path / TASK).unlink()
    work.git("checkout", "--", TASK)
    assert b"\r\n" in (work.path / TASK).read_bytes()
    edit(work)
    assert work.read(TASK) == changed().replace("\n", "\r\n")
    assert committed(work) == changed()
    assert work.status() == ""


@pytest.mark.promise("edit.smallest-change")
def test_line_endings_in_git_stay(work: Checkout) -> None:
    text = TEXT.replace("\n", "\r\n")
    work.commit({TASK: text})
    edit(work)
    assert work.read(TASK) == changed(text)
    assert git(work.path, "cat-file", "-s", f"HEAD:{TASK}") == str(len(changed(text)))
    assert work.status() == ""


@pytest.mark.promise("edit.no-hooks")
def test_no_hook_runs(work: Checkout) -> None:
    hooks = work.path / ".git/hooks"
    for name in (
        "pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction", "post-index-change",
        "post-checkout", "fsmonitor-watchman", "pre-auto-gc",
    ):  # fmt: skip
        (hooks / name).write_text(f"#!/bin/sh\necho {name} >> '{work.path}/../hooks.log'\nexit 1\n")
        (hooks / name).chmod(0o755)
    work.git("config", "core.fsmonitor", str(hooks / "fsmonitor-watchman"))
    edit(work)
    assert not (work.path.parent / "hooks.log").exists()


@pytest.mark.promise("edit.identity")
def test_commits_are_signed_where_the_person_signs(work: Checkout) -> None:
    program = work.path.parent / "fake-gpg"
    program.write_text(
        "#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "printf '%s\\n' '-----BEGIN PGP SIGNATURE-----' '' fake '-----END PGP SIGNATURE-----'\n"
    )
    program.chmod(0o755)
    work.git("config", "gpg.program", str(program))
    edit(work)
    assert "gpgsig" not in work.git("cat-file", "commit", "HEAD")
    work.git("config", "commit.gpgsign", "true")
    edit(work, level="medium")
    assert "gpgsig -----BEGIN PGP SIGNATURE-----" in work.git("cat-file", "commit", "HEAD")

    program.write_text("#!/bin/sh\nexit 2\n")
    before = photograph(work.path)
    with pytest.raises(Refusal) as refused:
        edit(work, level="low")
    assert refused.value.code == "signing-failed"
    assert photograph(work.path) == before


@pytest.mark.promise("edit.identity")
def test_without_an_identity_nothing_changes(work: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    work.git("config", "user.useConfigOnly", "true")
    before = photograph(work.path)
    with pytest.raises(Refusal) as refused:
        edit(work)
    assert refused.value.code == "no-identity"
    assert "user.name" in (refused.value.hint or "")
    assert photograph(work.path) == before


@pytest.mark.promise("edit.branch")
def test_a_detached_head_is_refused(work: Checkout) -> None:
    work.git("checkout", "--quiet", "--detach")
    before = photograph(work.path)
    with pytest.raises(Refusal) as refused:
        edit(work)
    assert refused.value.code == "detached-head"
    assert photograph(work.path) == before


def make_conflict(work: Checkout, *paths: str) -> None:
    """``main`` and ``side`` change the same lines of ``paths``; ``main`` is checked out."""
    work.git("checkout", "--quiet", "-b", "side")
    work.commit({p: work.read(p).replace("title: ", "title: side ") for p in paths}, "Side")
    work.git("checkout", "--quiet", "main")
    work.commit({p: work.read(p).replace("title: ", "title: main ") for p in paths}, "Main")


def test_in_the_middle_of_a_merge_of_other_files(work: Checkout) -> None:
    make_conflict(work, "tasks/b.yaml")
    assert work.try_git("merge", "side").returncode == 1
    before, status = photograph(work.path), work.status()
    edit(work)
    assert photograph(work.path).without([TASK], ["refs/heads/main"]) == before.without(
        [TASK], ["refs/heads/main"]
    )
    assert work.status() == status == "UU tasks/b.yaml"
    work.write({"tasks/b.yaml": "title: both B\n"})
    work.git("commit", "--quiet", "-am", "Merge side")
    assert work.git("log", "--format=%s", "--first-parent", "-3").splitlines() == [
        "Merge side",
        "Set priority to high",
        "Main",
    ]
    assert committed(work) == changed()


@pytest.mark.promise("edit.safe-or-refused")
def test_the_file_of_a_merge_conflict_is_refused(work: Checkout) -> None:
    make_conflict(work, TASK)
    assert work.try_git("merge", "side").returncode == 1
    before = photograph(work.path)
    with pytest.raises(Refusal) as refused:
        edit(work)
    assert refused.value.code == "merge-in-progress"
    assert photograph(work.path) == before


@pytest.mark.promise("edit.branch")
def test_in_the_middle_of_a_rebase_is_refused_by_its_name(work: Checkout) -> None:
    make_conflict(work, "tasks/b.yaml")
    assert work.try_git("rebase", "side").returncode == 1
    before = photograph(work.path)
    with pytest.raises(Refusal, match="rebase") as refused:
        edit(work)
    assert refused.value.code == "operation-in-progress"
    assert photograph(work.path) == before


def test_before_the_first_commit(tmp_path: Path) -> None:
    work = make_repository(tmp_path)
    work.write({"README.md": "mine\n", "src/x.py": "x = 1\n"})
    work.git("add", "README.md")
    done = commit_edits(open_repository(work.path), {TASK: create(TEXT)}, "Add a")
    assert done.commit == work.head()
    assert work.git("ls-tree", "-r", "--name-only", "HEAD") == TASK
    assert work.status() == "A  README.md\n?? src/x.py"


@pytest.mark.promise("edit.any-checkout")
def test_in_a_linked_worktree(work: Checkout) -> None:
    work.git("config", "baton.base", "main")
    work.git("worktree", "add", "--quiet", "-b", "side", "../side work")
    side = Checkout(work.path.parent / "side work")
    side.write({"tasks/b.yaml": "title: B, unsaved\n"})
    before = photograph(work.path)
    done = edit(side)
    assert done == Edited(side.head(), "side", (TASK,), (), off_base=True)
    assert side.status() == " M tasks/b.yaml"
    assert photograph(work.path).without([], ["refs/heads/side"]) == before.without([], ["refs/heads/side"])


@pytest.mark.promise("edit.any-checkout")
def test_in_a_shallow_clone(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {TASK: TEXT}, remote=True)
    work.commit({TASK: TEXT + "# 2\n"}, push=True)
    assert work.remote
    git(tmp_path, "clone", "--quiet", "--depth=1", work.remote.as_uri(), "shallow")
    shallow = Checkout(tmp_path / "shallow")
    edit(shallow)
    assert shallow.git("log", "--format=%s") == "Set priority to high\nChange"
    assert shallow.git("rev-parse", "--is-shallow-repository") == "true"
    assert shallow.status() == ""


@pytest.mark.promise("edit.any-checkout")
@pytest.mark.parametrize("sparse_index", ["true", "false"])
def test_in_a_sparse_checkout(work: Checkout, sparse_index: str) -> None:
    work.git("sparse-checkout", "set", "--cone", "src")
    work.git("config", "index.sparse", sparse_index)
    work.git("sparse-checkout", "reapply")
    assert not (work.path / "tasks").exists()
    before = photograph(work.path)
    edit(work)
    assert committed(work) == changed()
    assert work.status() == ""
    assert not (work.path / "tasks").exists()
    assert photograph(work.path).without([TASK], ["refs/heads/main"]) == before.without(
        [TASK], ["refs/heads/main"]
    )


def test_an_entry_assumed_unchanged_stays_so(work: Checkout) -> None:
    work.git("update-index", "--assume-unchanged", TASK)
    edit(work)
    assert work.git("ls-files", "-v", TASK) == f"h {TASK}"
    assert work.status() == ""


def test_in_a_split_index(work: Checkout) -> None:
    work.git("update-index", "--split-index")
    edit(work)
    assert work.status() == ""
    assert committed(work) == changed()


def test_in_a_repository_of_sha256(tmp_path: Path) -> None:
    top = tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", str(top))
    work = Checkout(top)
    commit_edits(open_repository(top), {TASK: create(TEXT)}, "Add a")
    edit(work)
    commit_edits(open_repository(top), {TASK: lambda _: None, "tasks/z.yaml": create(TEXT)}, "Swap")
    assert work.git("ls-tree", "-r", "--name-only", "HEAD") == "tasks/z.yaml"
    assert work.status() == ""


@pytest.mark.promise("edit.any-checkout")
@pytest.mark.parametrize("folder", ["with space", "ümläut", "new\nline", "quote'\"", "-dash", "*?[glob]"])
def test_in_any_folder(tmp_path: Path, folder: str) -> None:
    work = make_repository(tmp_path, {TASK: TEXT}, name=folder)
    edit(work)
    assert committed(work) == changed()
    assert work.status() == ""


def test_variables_that_redirect_git_are_left_aside(
    work: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = make_repository(tmp_path, {TASK: TEXT}, name="other")
    before = photograph(other.path)
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git/index"))
    monkeypatch.setenv("GIT_CONFIG", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_TRACE", "1")
    edit(work)
    assert committed(work) == changed()
    assert photograph(other.path) == before


def test_a_title_in_any_language_and_a_strange_commit_encoding(work: Checkout) -> None:
    work.git("config", "i18n.commitEncoding", "ISO-8859-1")
    commit_edits(open_repository(work.path), {TASK: set_priority()}, "Füge 日本 hinzu \udc80")
    raw = subprocess.run(
        ["git", "cat-file", "commit", "HEAD"],
        cwd=work.path,
        env=git_environment(),
        capture_output=True,
        check=True,
    ).stdout
    assert raw.endswith("\n\nFüge 日本 hinzu ?".encode())
    assert b"encoding" not in raw


@pytest.mark.promise("edit.safe-or-refused")
@pytest.mark.parametrize("place", ["tasks", "tasks/sub"])
def test_a_link_instead_of_a_folder_leads_nowhere(work: Checkout, tmp_path: Path, place: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    if place == "tasks":
        work.git("mv", "tasks", "moved")
    (work.path / place).symlink_to(outside)
    work.commit()
    before = photograph(work.path)
    with pytest.raises(Refusal) as refused:
        commit_edits(open_repository(work.path), {f"{place}/c.yaml": create(TEXT)}, "Add")
    assert refused.value.code == "not-a-folder"
    assert photograph(work.path) == before
    assert list(outside.iterdir()) == []


def test_a_file_where_tasks_must_stand(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"tasks": "- buy milk\n"})
    before = photograph(work.path)
    with pytest.raises(Refusal):
        commit_edits(open_repository(work.path), {TASK: create(TEXT)}, "Add")
    work.write({"tasks": None})
    with pytest.raises(Refusal, match="tasks is no folder in git"):
        commit_edits(open_repository(work.path), {TASK: create(TEXT)}, "Add")
    work.git("checkout", "--", "tasks")
    assert photograph(work.path) == before


@pytest.mark.promise("edit.safe-or-refused")
def test_a_link_instead_of_a_file_is_refused(work: Checkout, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(TEXT)
    (work.path / TASK).unlink()
    (work.path / TASK).symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(Refusal) as refused:
        edit(work)
    assert refused.value.code == "not-a-file"
    work.git("add", TASK)
    (work.path / TASK).unlink()
    with pytest.raises(Refusal, match="no plain file in git"):
        edit(work)
    assert (tmp_path / "outside.yaml").read_text() == TEXT


@pytest.mark.promise("edit.locks")
def test_somebody_elses_index_lock_is_named(work: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout_module, "LOCK_PATIENCE_S", 0.05)
    lock = work.path / ".git/index.lock"
    lock.touch()
    with pytest.raises(TryAgain) as refused:
        edit(work)
    assert str(lock) in str(refused.value)
    assert str(lock) in (refused.value.hint or "")
    lock.unlink()
    assert committed(work) == work.read(TASK) == TEXT
    edit(work)
    assert work.status() == ""


@pytest.mark.promise("edit.locks")
def test_a_branch_lock_changes_nothing(work: Checkout) -> None:
    lock = work.path / ".git/refs/heads/main.lock"
    lock.touch()
    with pytest.raises(TryAgain) as refused:
        edit(work)
    assert "main.lock" in str(refused.value)
    lock.unlink()
    assert work.status() == ""
    assert committed(work) == work.read(TASK) == TEXT


def test_a_folder_that_can_not_be_written(unprivileged: Path) -> None:
    work = make_repository(unprivileged, {TASK: TEXT})
    (work.path / "tasks").chmod(0o555)
    before = photograph(work.path)
    with pytest.raises(Refusal) as refused:
        edit(work)
    assert refused.value.code == "not-writable"
    with pytest.raises(Refusal) as refused:
        commit_edits(open_repository(work.path), {TASK: lambda _: None}, "Remove")
    assert refused.value.code == "not-writable"
    assert photograph(work.path) == before
    (work.path / "tasks").chmod(0o755)
    (work.path / ".git/objects").chmod(0o555)
    with pytest.raises(Refusal) as refused:
        edit(work, level="critical")
    assert refused.value.code == "not-writable"
    (work.path / ".git/objects").chmod(0o755)
    assert photograph(work.path) == before._replace(files={**before.files, "tasks": (0o755, None)})


def test_a_file_that_can_not_be_read(unprivileged: Path) -> None:
    work = make_repository(unprivileged, {TASK: TEXT})
    (work.path / TASK).chmod(0o000)
    with pytest.raises(Refusal) as refused:
        edit(work)
    assert refused.value.code == "not-readable"
