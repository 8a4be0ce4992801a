"""Overwriting a few fields of the index in place: git finds in it what its own commands would have put there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitbaton.store.edits import commit_edits
from gitbaton.store.indexfile import find_in_index, read_index_file
from gitbaton.store.objects import read_tip
from gitbaton.store.repository import open_repository
from support.nasty import SOAK
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.promise("edit.other-work")

TASK = "tasks/deep/er/a.yaml"
FILES = {
    TASK: "title: A\n", "tasks/b.yaml": "title: B\n", "tasks/deep/c.yaml": "title: C\n", "TREE": "TREE\0\0", "src/x.py": "x = 1\n",
    "src/much/y.py": "y = 1\n", "tasks/ü 日本/ä.yaml": "title: U\n",
}  # fmt: skip


@pytest.fixture
def work(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {**FILES})


def edit(work: Checkout, *paths: str) -> bool:
    """Edit; whether the index could be changed in place."""
    repo = open_repository(work.path)
    tip = read_tip(repo.git, "refs/heads/main", paths)
    quick = read_index_file(repo, tip, paths) is not None
    commit_edits(repo, {path: lambda old: (old or b"") + b"role: tester\n" for path in paths}, "Edit")
    for path in paths:
        assert work.git("show", f"HEAD:{path}").endswith("\nrole: tester")
        assert work.read(path).endswith("\nrole: tester\n")
    return quick


def untouched(work: Checkout) -> str:
    """What git's index says, checked by git itself: names, blobs, bits, trees, checksum."""
    work.git("fsck", "--strict", "--no-dangling")
    return work.git("ls-files", "--stage", "-v", "-t") + "\n" + work.git("write-tree")


@pytest.mark.parametrize("paths", [(TASK,), (TASK, "tasks/b.yaml"), ("tasks/ü 日本/ä.yaml",)])
def test_git_finds_nothing_to_say(work: Checkout, paths: tuple[str, ...]) -> None:
    work.git("status")
    assert edit(work, *paths) is True
    assert work.git("diff-files") == ""
    assert work.git("diff-index", "--cached", "HEAD") == ""
    assert work.status() == ""
    assert work.git("write-tree") == work.git("rev-parse", "HEAD^{tree}")
    before = untouched(work)
    work.git("read-tree", "HEAD")
    assert untouched(work) == before


def test_what_is_staged_elsewhere_stays(work: Checkout) -> None:
    """The folders' trees that git keeps are those of the index, not of the commit."""
    work.write({"src/x.py": "x = 2\n"})
    work.git("add", "src/x.py")
    staged = work.git("write-tree")  # now git knows the tree with x = 2
    assert edit(work, TASK) is True
    assert work.status() == "M  src/x.py"
    assert work.git("write-tree") != staged
    assert work.git("show", work.git("write-tree") + ":src/x.py") == "x = 2"
    assert work.git("show", work.git("write-tree") + f":{TASK}") == "title: A\nrole: tester"
    work.write({"tasks/deep/c.yaml": "title: C2\n"})
    work.git("add", "tasks/deep/c.yaml")
    work.git("write-tree")
    edit(work, TASK)
    assert work.status() == "M  src/x.py\nM  tasks/deep/c.yaml"
    assert work.git("show", work.git("write-tree") + ":tasks/deep/c.yaml") == "title: C2"
    untouched(work)


@pytest.mark.parametrize(
    ("how", "quick"),
    [
        (("update-index", "--index-version", "2"), True),
        (("update-index", "--index-version", "3"), True),
        (("update-index", "--index-version", "4"), False),
        (("update-index", "--split-index"), False),
        (("update-index", "--untracked-cache"), True),
        (("update-index", "--skip-worktree", "src/x.py"), True),
        (("update-index", "--assume-unchanged", TASK), False),
        (("update-index", "--skip-worktree", TASK), False),
        (("update-index", "--chmod=+x", TASK), False),
    ],
)
def test_every_kind_of_index(work: Checkout, how: tuple[str, ...], *, quick: bool) -> None:
    work.git(*how)
    work.git("status")
    before = untouched(work).splitlines()[:-1]
    assert edit(work, TASK) is quick
    after = untouched(work).splitlines()[:-1]
    assert [line for line in after if TASK not in line] == [line for line in before if TASK not in line]
    assert [line.split()[0:2] for line in after] == [line.split()[0:2] for line in before]


def test_files_are_found_by_their_names(work: Checkout) -> None:
    repo = open_repository(work.path)
    assert find_in_index(repo, "tasks", "a.yaml") == [TASK]
    assert find_in_index(repo, "tasks", "b.yaml") == ["tasks/b.yaml"]
    assert find_in_index(repo, "tasks", "y.py") == find_in_index(repo, "tasks", ".yaml") == []
    long = "x" * 200
    work.commit({f"tasks/{long}/{long}/c.yaml": "title: C\n"})
    assert sorted(find_in_index(repo, "tasks", "c.yaml") or ()) == [
        "tasks/deep/c.yaml",
        f"tasks/{long}/{long}/c.yaml",
    ]
    work.git("update-index", "--index-version", "4")
    assert find_in_index(repo, "tasks", "a.yaml") is None


def test_a_file_that_was_typed_in_still_looks_so(work: Checkout) -> None:
    work.write({TASK: "title: A\n# typed\n"})
    edit(work, TASK)
    assert work.status() == f" M {TASK}"


# -- a file that is new ------------------------------------------------------------------------------------------


def add(work: Checkout, path: str) -> bool:
    """Add a file; whether its entry went into the index in place."""
    repo = open_repository(work.path)
    quick = read_index_file(repo, read_tip(repo.git, "refs/heads/main", [path]), [path]) is not None
    commit_edits(repo, {path: lambda _: b"title: New\n"}, "Add")
    return quick


def judge(work: Checkout) -> None:
    """Git finds the index just as its own commands would have made it, and everything clean."""
    assert work.git("diff-files") == work.git("diff-index", "--cached", "HEAD") == work.status() == ""
    before = untouched(work)
    assert work.git("write-tree") == work.git("rev-parse", "HEAD^{tree}")
    work.git("read-tree", "HEAD")
    assert untouched(work) == before


@pytest.mark.parametrize("version", [2, 3])
@settings(
    max_examples=60 if SOAK else 6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(st.sampled_from(["tasks/", "tasks/deep/", "tasks/deep/er/", ""]).flatmap(
        lambda folder: st.text("abz-.0é", min_size=1, max_size=9).map(lambda name: f"{folder}d{name}.yaml")),
        min_size=1, max_size=6, unique=True)
)  # fmt: skip
def test_new_files_stand_where_git_would_put_them(work: Checkout, version: int, names: list[str]) -> None:
    work.git("reset", "--hard", "--quiet", "HEAD")
    work.git("update-index", "--index-version", str(version))
    work.git("write-tree")
    for path in names:
        if not (work.path / path).exists() and not add(work, path):  # between two folders
            work.git("write-tree")
    judge(work)


def test_a_new_folder_is_left_to_git(work: Checkout) -> None:
    assert not add(work, "tasks/new/n.yaml")
    judge(work)


def test_ten_and_a_hundred_files_are_counted(work: Checkout) -> None:
    """A number of files that gets one more digit makes the extension longer."""
    work.commit({f"tasks/t{n}.yaml": "title: T\n" for n in range(90)})
    work.git("status")
    work.git("write-tree")
    for number in range(12):
        assert add(work, f"tasks/z{number}.yaml")
    judge(work)


@pytest.mark.parametrize(
    "how",
    [
        ("update-index", "--index-version", "4"),
        ("update-index", "--split-index"),
        ("update-index", "--untracked-cache"),
        ("-c", "index.threads=2", "-c", "index.recordOffsetTable=true", "-c", "index.recordEndOfIndexEntries=true", "update-index", "--force-write-index"),
        ("rm", "--cached", "--quiet", "tasks/b.yaml"),
        ("add", "--intent-to-add", "tasks/intended.yaml"),
    ],
)  # fmt: skip
def test_a_new_file_goes_gits_way_in_any_other_index(work: Checkout, how: tuple[str, ...]) -> None:
    work.write({"tasks/intended.yaml": "title: I\n"})
    work.git(*how)
    before = untouched_by(work, "tasks/new.yaml")
    assert not add(work, "tasks/new.yaml")
    assert untouched_by(work, "tasks/new.yaml") == before
    assert "tasks/new.yaml" in work.git("ls-files", "--stage")
    assert "new.yaml" not in work.status()


def untouched_by(work: Checkout, path: str) -> list[str]:
    """All entries but one."""
    work.git("fsck", "--strict", "--no-dangling")
    return [line for line in work.git("ls-files", "--stage", "-v", "-t").splitlines() if path not in line]
