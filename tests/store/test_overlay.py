"""The board of a checkout: base, and what is different here, marked as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.store.overlay import overlay_local
from gitbaton.store.repository import open_repository
from gitbaton.store.snapshots import Contents, read_revision
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

A, B = "tasks/a.yaml", "tasks/b.yaml"
TEXT = "title: A\npriority: low\n\nstatus: todo\n\nlabels: [x]\n"


@pytest.fixture
def work(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {A: TEXT, B: TEXT, "README.md": "r\n"}, remote=True)


def look(work: Checkout) -> Contents:
    repo = open_repository(work.path)
    return overlay_local(repo, read_revision(repo, repo.base.commit))


def rows(work: Checkout) -> dict[str, tuple[str, str, str, str | None]]:
    """Id → path, status, priority, mark."""
    return {i: (r.path, r.status, r.priority, r.local) for i, r in look(work).tasks.items()}


SAME = {"a": (A, "todo", "low", None), "b": (B, "todo", "low", None)}


def go_on_base(work: Checkout, files: dict[str, str | bytes | None]) -> None:
    """Somebody else pushes ``files`` to base, and this checkout fetches."""
    other = work.clone("other")
    other.commit(files, push=True)
    work.git("fetch", "--quiet")


def test_nothing_is_local_in_a_fresh_clone(work: Checkout) -> None:
    assert rows(work) == SAME
    assert rows(work.clone("second")) == SAME


def test_edits_commits_and_new_files_are_marked(work: Checkout) -> None:
    work.git("checkout", "--quiet", "-b", "side")
    work.commit({A: TEXT.replace("low", "high"), "tasks/committed.yaml": "title: C\n"})
    work.write(
        {
            B: TEXT.replace("low", "critical"),
            "tasks/sub/loose.yaml": "title: L\n",
            "tasks/staged.yaml": "title: S\n",
        }
    )
    work.git("add", "tasks/staged.yaml")
    assert rows(work) == {
        "a": (A, "todo", "high", "unmerged"),
        "b": (B, "todo", "critical", "uncommitted"),
        "committed": ("tasks/committed.yaml", "todo", "medium", "unmerged"),
        "loose": ("tasks/sub/loose.yaml", "todo", "medium", "uncommitted"),
        "staged": ("tasks/staged.yaml", "todo", "medium", "uncommitted"),
    }


def test_what_base_has_and_a_stale_branch_lacks_stays(work: Checkout) -> None:
    go_on_base(work, {A: TEXT.replace("todo", "done"), B: None, "tasks/c.yaml": "title: C\n"})
    assert rows(work) == {"a": (A, "done", "low", None), "c": ("tasks/c.yaml", "todo", "medium", None)}


@pytest.mark.parametrize("committed", [True, False])
def test_a_stale_branch_never_reopens_a_closed_task(work: Checkout, *, committed: bool) -> None:
    go_on_base(work, {A: TEXT.replace("todo", "done").replace("[x]", "[x, base]")})
    work.write({A: TEXT.replace("low", "high")})
    if committed:
        work.commit()
    assert rows(work)["a"] == (A, "done", "high", "unmerged" if committed else "uncommitted")
    assert look(work).tasks["a"].labels == ("x", "base"), "fields that only base changed are base's"


def test_a_status_changed_on_both_sides(work: Checkout) -> None:
    go_on_base(work, {A: TEXT.replace("todo", "cancelled"), B: TEXT.replace("todo", "draft")})
    work.write({A: TEXT.replace("todo", "draft"), B: TEXT.replace("todo", "done")})
    assert rows(work)["a"][1] == "cancelled", "closed on base stays closed"
    assert rows(work)["b"][1] == "done", "else what was written here shows"


def test_reopening_here_shows_as_local(work: Checkout) -> None:
    work.commit({A: TEXT.replace("todo", "done")}, push=True)
    work.write({A: TEXT})
    assert rows(work)["a"] == (A, "todo", "low", "uncommitted")


def test_the_same_change_on_both_sides_is_no_difference(work: Checkout) -> None:
    go_on_base(work, {A: TEXT.replace("low", "high")})
    work.write({A: TEXT.replace("low", "high")})
    assert rows(work)["a"] == (A, "todo", "high", None)


def test_line_endings_of_the_checkout_are_no_difference(work: Checkout) -> None:
    work.git("config", "core.autocrlf", "true")
    work.git("rm", "--quiet", "--cached", "-r", "tasks")
    work.git("reset", "--quiet", "--hard")
    assert b"\r\n" in (work.path / A).read_bytes()
    assert rows(work) == SAME
    work.write({A: TEXT.replace("low", "high").replace("\n", "\r\n")})
    assert rows(work) == {**SAME, "a": (A, "todo", "high", "uncommitted")}


def test_new_file_times_are_no_difference(work: Checkout) -> None:
    work.write({A: TEXT})
    (work.path / B).touch()
    assert rows(work) == SAME


def test_deletions(work: Checkout) -> None:
    work.write({A: None})
    work.git("rm", "--quiet", B)
    assert rows(work) == {}
    work.git("reset", "--quiet", "--hard")
    work.git("checkout", "--quiet", "-b", "side")
    work.commit({A: None})
    assert list(rows(work)) == ["b"]


def test_a_sparse_checkout_deletes_nothing(work: Checkout) -> None:
    work.commit({"src/x.py": "x\n"}, push=True)
    work.git("sparse-checkout", "set", "--cone", "src")
    assert not (work.path / A).exists()
    assert rows(work) == SAME


def test_a_file_moved_here_keeps_what_base_did(work: Checkout) -> None:
    work.git("checkout", "--quiet", "-b", "side")
    (work.path / "tasks/sub").mkdir()
    work.git("mv", A, "tasks/sub/a.yaml")
    work.commit()
    go_on_base(work, {A: TEXT.replace("todo", "done")})
    assert rows(work) == {"a": ("tasks/sub/a.yaml", "done", "low", "unmerged"), "b": SAME["b"]}
    assert look(work).broken == ()


def test_a_file_moved_on_base_keeps_what_was_done_here(work: Checkout) -> None:
    go_on_base(work, {A: None, "tasks/sub/a.yaml": TEXT})
    assert rows(work)["a"] == ("tasks/sub/a.yaml", "todo", "low", None)
    work.write({A: TEXT.replace("low", "high")})
    assert rows(work)["a"] == ("tasks/sub/a.yaml", "todo", "high", "uncommitted")
    assert look(work).broken == ()


def test_a_file_that_base_deleted_and_somebody_edits_here_shows(work: Checkout) -> None:
    go_on_base(work, {A: None})
    work.write({A: TEXT.replace("low", "high")})
    assert rows(work)["a"] == (A, "todo", "high", "uncommitted")


def test_a_broken_file_here_over_a_good_one_on_base(work: Checkout) -> None:
    work.write({A: "<<<<<<< ours\ntitle: A\n=======\ntitle: B\n>>>>>>> theirs\n"})
    found = look(work)
    assert list(found.tasks) == ["b"]
    assert [(b.id, b.path, b.local, b.problems[0].code) for b in found.broken] == [
        ("a", A, "uncommitted", "conflict-markers")
    ]
    repo = open_repository(work.path)
    assert read_revision(repo, repo.base.commit)[A].data.decode() == TEXT, "claims read base"


def test_a_file_in_the_middle_of_a_merge_is_broken(work: Checkout) -> None:
    go_on_base(work, {A: TEXT.replace("low", "high")})
    work.commit({A: TEXT.replace("low", "critical")})
    assert work.try_git("merge", "origin/main").returncode == 1
    assert [(b.id, b.local) for b in look(work).broken] == [("a", "uncommitted")]


def test_a_broken_file_on_base_that_is_mended_here(work: Checkout) -> None:
    go_on_base(work, {A: "title: [\n"})
    assert [b.id for b in look(work).broken] == ["a"]
    work.git("merge", "--quiet", "--ff-only", "origin/main")
    work.write({A: TEXT})
    assert look(work).broken == ()
    assert rows(work)["a"] == (A, "todo", "low", "uncommitted")


def test_an_id_used_twice_is_broken_in_both_places(work: Checkout) -> None:
    work.write({"tasks/sub/A.yaml": TEXT, "tasks/sub/b.yaml": TEXT})
    found = look(work)
    assert "b" not in found.tasks
    assert [(b.path, b.local) for b in found.broken if b.id == "b"] == [
        (B, None),
        ("tasks/sub/b.yaml", "uncommitted"),
    ]
    assert {b.problems[0].code for b in found.broken if b.id == "b"} == {"duplicate-id"}


NINE: dict[str, str | bytes | None] = {
    "conflict": "<<<<<<< a\ntitle: x\n=======\ntitle: y\n>>>>>>> b\n",
    "twice": "title: x\ntitle: y\n",
    "unknown": "title: x\ncolour: red\n",
    "alias": "title: &t x\nrole: *t\n",
    "unclosed": "title: x\nlabels: [a, b\n",
    "tab": "title: x\nrun:\n\tmodel: m\n",
    "binary": b"title: \xff\xfe\n",
    "empty": "",
}


@pytest.mark.parametrize("place", ["base", "commit", "worktree"])
def test_broken_files_stay_visible(work: Checkout, place: str) -> None:
    files = {f"tasks/{name}.yaml": text for name, text in NINE.items()}
    if place == "worktree":
        work.write(files)
    else:
        work.commit(files, push=place == "base")
    found = look(work)
    mark = {"base": None, "commit": "unmerged", "worktree": "uncommitted"}[place]
    assert {b.id: (b.path, b.local) for b in found.broken} == {n: (f"tasks/{n}.yaml", mark) for n in NINE}
    for broken in found.broken:
        assert broken.problems
        assert all(p.path == broken.path and p.line >= 1 and p.column >= 1 for p in broken.problems)
    assert set(found.tasks) == {"a", "b"}


def test_links_and_files_that_can_not_be_read(work: Checkout) -> None:
    (work.path / "tasks/link.yaml").symlink_to("a.yaml")
    (work.path / "tasks/gone.yaml").symlink_to("nowhere")
    found = look(work)
    assert {b.id: b.problems[0].code for b in found.broken} == {"link": "not-a-file", "gone": "not-a-file"}
    work.commit()
    assert {b.id: b.local for b in look(work).broken} == {"link": "unmerged", "gone": "unmerged"}


def test_a_shallow_clone_without_common_history(work: Checkout) -> None:
    assert work.remote
    work.git("clone", "--quiet", "--depth=1", work.remote.as_uri(), "../shallow")
    shallow = Checkout(work.path.parent / "shallow", work.remote)
    assert rows(shallow) == SAME
    shallow.git("checkout", "--quiet", "--orphan", "alone")
    shallow.commit({A: TEXT.replace("low", "high")})
    go_on_base(work, {A: TEXT.replace("todo", "done")})
    shallow.git("fetch", "--quiet", "--depth=1")
    assert rows(shallow)["a"] == (A, "done", "high", "unmerged")


def test_before_anything_was_pushed(tmp_path: Path) -> None:
    work = make_repository(tmp_path, remote=True)
    work.write({A: TEXT})
    assert rows(work) == {"a": (A, "todo", "low", "uncommitted")}
    work.commit()
    assert rows(work) == {"a": (A, "todo", "low", "unmerged")}
    work.git("push", "--quiet", "origin", "main")
    assert rows(work) == {"a": (A, "todo", "low", None)}


def test_without_a_remote_a_commit_on_base_is_enough(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {A: TEXT})
    assert rows(work) == {"a": (A, "todo", "low", None)}
    work.write({A: TEXT.replace("low", "high")})
    assert rows(work) == {"a": (A, "todo", "high", "uncommitted")}


def test_names_with_strange_characters(work: Checkout) -> None:
    work.write({"tasks/sub folder/ä\nb.yaml": "title: x\n", 'tasks/"q".yaml': "title: x\n"})
    assert sorted(b.path for b in look(work).broken) == ['tasks/"q".yaml', "tasks/sub folder/ä\nb.yaml"]
