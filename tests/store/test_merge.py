"""Two people change one document: git merges it field by field, and loses nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from gitbaton.store.documents import find_problems
from support.cli import SOURCE, Baton
from support.hermetic_git import try_git
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.promise("merge.none-lost")

TASK = "tasks/sub/a.yaml"
TEXT = "title: A\nstatus: todo\npriority: low\nlabels: [x, y]\ndepends_on:\n  - p\n  - q\n"


def set_up(folder: Path, text: str | None = TEXT) -> Checkout:
    """A repository with the merge driver, as ``baton init`` leaves it, and a branch ``side``."""
    files: dict[str, str | bytes | None] = {".gitattributes": "tasks/**/*.yaml merge=baton\n", "x.txt": "x\n"}
    work = make_repository(folder, {**files, **({TASK: text} if text is not None else {})}, name="it's work")
    driver = f"PYTHONPATH={SOURCE} {sys.executable} -m gitbaton merge-file %O %A %B %P"
    work.git("config", "merge.baton.driver", driver)
    work.git("branch", "side")
    return work


def merge(work: Checkout, ours: str, theirs: str, path: str = TASK) -> subprocess.CompletedProcess[str]:
    """Commit ``theirs`` on ``side``, ``ours`` on ``main``, and merge, from inside a folder."""
    work.git("checkout", "--quiet", "side")
    work.commit({path: theirs}, "Theirs")
    work.git("checkout", "--quiet", "main")
    work.commit({path: ours}, "Ours")
    return try_git((work.path / path).parent, "merge", "--no-edit", "side", env=work.env)


def merged(folder: Path, ours: str, theirs: str, text: str | None = TEXT) -> str:
    """The result of a merge without conflict."""
    work = set_up(folder, text)
    done = merge(work, ours, theirs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert work.status() == ""
    return work.read(TASK)


def conflict(folder: Path, ours: str, theirs: str, text: str | None = TEXT) -> str:
    """The file after a merge with a conflict."""
    work = set_up(folder, text)
    assert merge(work, ours, theirs).returncode == 1
    assert work.status().splitlines()[-1].split(" ")[0] in ("UU", "AA")
    left = work.read(TASK)
    for marker in ("<<<<<<< ", "=======", ">>>>>>> "):
        assert marker in left
    return left


def change(*pairs: tuple[str, str], text: str = TEXT) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.promise("merge.new-files")
@pytest.mark.parametrize("neighbour", ["title: Another", "priority: low"])
def test_git_alone_merges_neighbours_in_a_new_task(tmp_path: Path, neighbour: str) -> None:
    """As a server does, which knows no driver: an attempt says done, while a person changes what stands beside it."""
    work = make_repository(tmp_path, {})
    add = ("add", "A", "--id", "a", "--priority", "high", "--json")
    Baton(work.path, tmp_path)(*add)
    text = work.read("tasks/a.yaml")
    work.git("branch", "side")
    field = neighbour.split(":", maxsplit=1)[0]
    theirs = "".join(
        f"{neighbour}\n" if line.startswith(f"{field}:") else line for line in text.splitlines(keepends=True)
    )
    done = merge(work, text.replace("status: todo", "status: done"), theirs, "tasks/a.yaml")
    assert done.returncode == 0, done.stdout
    assert work.read("tasks/a.yaml") == theirs.replace("status: todo", "status: done")


@pytest.mark.promise("merge.fields")
def test_neighbouring_fields(tmp_path: Path) -> None:
    ours = change(("todo", "done"), ("title: A", "title: Ours"))
    theirs = change(("low", "high"))
    assert merged(tmp_path, ours, theirs) == change(("low", "high"), text=ours)


@pytest.mark.promise("merge.fields")
def test_sets_keep_what_both_did(tmp_path: Path) -> None:
    ours = change(("[x, y]", "[x, ours]"), ("  - q\n", "  - q\n  - ours\n"))
    theirs = change(("[x, y]", "[x, y, theirs]"), ("  - p\n", ""), ("  - q\n", "  - q\n  - theirs\n"))
    assert merged(tmp_path, ours, theirs) == change(
        ("[x, y]", "[x, ours, theirs]"), ("  - p\n  - q\n", "  - q\n  - ours\n  - theirs\n")
    )


@pytest.mark.promise("merge.fields")
def test_a_field_added_and_one_removed(tmp_path: Path) -> None:
    ours = change(("priority: low\n", ""))
    theirs = change(("status: todo\n", "status: todo\nrole: tester\n"))
    assert sorted(merged(tmp_path, ours, theirs).splitlines()) == sorted(
        change(("priority: low\n", "role: tester\n")).splitlines()
    )


def test_the_same_change_on_both_sides(tmp_path: Path) -> None:
    both = change(("todo", "done"))
    assert merged(tmp_path, both, both + "role: tester\n") == both + "role: tester\n"


@pytest.mark.promise("merge.fields")
def test_nested_fields(tmp_path: Path) -> None:
    text = TEXT + "run:\n  model: a\n  timeout: 5m\n  max_turns: 3\n"
    ours, theirs = (
        change(("5m", "6m"), text=text),
        change(("model: a", "model: b"), ("max_turns: 3", "max_turns: 4"), text=text),
    )
    assert merged(tmp_path, ours, theirs, text) == change(("5m", "6m"), text=theirs)


def test_lists_that_both_went_on_with(tmp_path: Path) -> None:
    text = TEXT + "clarifications:\n  - text: one\n"
    ours, theirs = text + "  - text: ours\n", text + "  - text: theirs\n"
    assert merged(tmp_path, ours, theirs, text) == ours + "  - text: theirs\n"


def test_a_real_conflict_keeps_both_sides(tmp_path: Path) -> None:
    left = conflict(tmp_path, change(("low", "high")), change(("low", "critical"), ("todo", "done")))
    assert "priority: high" in left
    assert "priority: critical" in left


def test_one_key_added_twice_in_different_places_is_a_conflict(tmp_path: Path) -> None:
    """A merge of lines would be clean, and leave a file with one key twice."""
    text = "title: A\n\n\n\n\nstatus: todo\n\n\n\n\nlabels: [x]\n"
    ours = change(("title: A\n", "title: A\nrole: ours\n"), text=text)
    theirs = change(("labels: [x]\n", "labels: [x]\nrole: theirs\n"), text=text)
    assert conflict(tmp_path, ours, theirs, text) == change(
        ("title: A\n", "title: A\n<<<<<<< ours\nrole: ours\n=======\nrole: theirs\n>>>>>>> theirs\n"),
        text=text,
    )


@pytest.mark.promise("merge.layout")
@pytest.mark.parametrize("swap", [False, True])
def test_comments_of_both_sides_stay(tmp_path: Path, *, swap: bool) -> None:
    ours, theirs = change(("todo", "done")), change(("priority: low", "priority: high  # ask Rita first"))
    if swap:
        ours, theirs = theirs, ours
    found = merged(tmp_path, ours, theirs)
    assert "priority: high  # ask Rita first\n" in found
    assert "status: done\n" in found


def test_comments_on_different_fields(tmp_path: Path) -> None:
    ours = change(("status: todo", "status: done  # at last"))
    theirs = change(("priority: low", "priority: high  # ask Rita first"))
    assert merged(tmp_path, ours, theirs) == change(
        ("priority: low", "priority: high  # ask Rita first"), text=ours
    )


def test_comments_that_only_one_of_two_texts_can_keep_are_a_conflict(tmp_path: Path) -> None:
    ours = change(("[x, y]", "[x, y, ours]  # mine"))
    theirs = change(("[x, y]", "[x, y, theirs]  # ask Rita first"))
    assert conflict(tmp_path, ours, theirs) == change(
        (
            "labels: [x, y]\n",
            "<<<<<<< ours\nlabels: [x, y, ours]  # mine\n=======\nlabels: [x, y, theirs]  # ask Rita first\n>>>>>>> theirs\n",
        )
    )


@pytest.mark.promise("merge.layout")
def test_layout_of_both_sides_stays_where_lines_don_t_touch(tmp_path: Path) -> None:
    text = "# top\ntitle: A\n\n# one\nstatus: todo\n\n# two\npriority: low\n\n# three\nlabels: [x]\n"
    ours = change(("# one", "# one, more"), ("todo", "done"), text=text)
    theirs = change(("# three\nlabels: [x]", "# three, more\nlabels:\n  - x\n  - z"), text=text)
    both = change(("# three\nlabels: [x]", "# three, more\nlabels:\n  - x\n  - z"), text=ours)
    assert merged(tmp_path, ours, theirs, text) == both


@pytest.mark.promise("merge.layout")
def test_line_endings(tmp_path: Path) -> None:
    """One side turned the file into CRLF: every line differs, the fields don't."""
    ours, theirs = change(("low", "high")).replace("\n", "\r\n"), change(("todo", "done"))
    assert merged(tmp_path, ours, theirs) == change(("low", "high"), ("todo", "done")).replace("\n", "\r\n")


def test_both_added_the_file(tmp_path: Path) -> None:
    ours, theirs = "title: A\nstatus: todo\n", "title: A\npriority: high\n"
    assert sorted(merged(tmp_path, ours, theirs, None).splitlines()) == [
        "priority: high",
        "status: todo",
        "title: A",
    ]


def test_both_added_the_file_with_different_titles(tmp_path: Path) -> None:
    left = conflict(tmp_path, "title: Ours\n", "title: Theirs\n", None)
    assert "title: Ours" in left
    assert "title: Theirs" in left


@pytest.mark.promise("merge.lines")
def test_a_broken_side_falls_back_to_lines(tmp_path: Path) -> None:
    text = "title: A\n\n\n\nstatus: todo\n"
    ours, theirs = "title: [A\n\n\n\nstatus: todo\n", "title: A\n\n\n\nstatus: done\n"
    assert merged(tmp_path / "clean", ours, theirs, text) == "title: [A\n\n\n\nstatus: done\n"
    left = conflict(tmp_path / "not", "title: [A\n", "title: {A\n", "title: A\n")
    assert "[A" in left
    assert "{A" in left


def test_binary_rubbish_is_left_to_people(tmp_path: Path) -> None:
    work = set_up(tmp_path)
    work.git("checkout", "--quiet", "side")
    work.commit({TASK: b"\0\1theirs"})
    work.git("checkout", "--quiet", "main")
    work.commit({TASK: b"\0\1ours"})
    assert work.try_git("merge", "side").returncode == 1
    assert (work.path / TASK).read_bytes() == b"\0\1ours"
    assert work.status() == f"UU {TASK}"


def test_a_rename_on_one_side(tmp_path: Path) -> None:
    work = set_up(tmp_path)
    work.git("checkout", "--quiet", "side")
    work.git("mv", TASK, "tasks/moved.yaml")
    work.commit({"tasks/moved.yaml": change(("todo", "done"))})
    work.git("checkout", "--quiet", "main")
    work.commit({TASK: change(("low", "high"))})
    work.git("merge", "--no-edit", "side")
    assert work.read("tasks/moved.yaml") == change(("todo", "done"), ("low", "high"))


def test_rebase_and_cherry_pick_use_it_too(tmp_path: Path) -> None:
    work = set_up(tmp_path)
    work.git("checkout", "--quiet", "side")
    theirs = work.commit({TASK: change(("todo", "done"))})
    work.git("checkout", "--quiet", "main")
    work.commit({TASK: change(("low", "high"))})
    work.git("cherry-pick", theirs)
    assert work.read(TASK) == change(("todo", "done"), ("low", "high"))
    work.git("reset", "--quiet", "--hard", "HEAD~1")
    work.git("checkout", "--quiet", "side")
    work.git("rebase", "--quiet", "main")
    assert work.read(TASK) == change(("todo", "done"), ("low", "high"))


def test_stash_pop_uses_it_too(tmp_path: Path) -> None:
    work = set_up(tmp_path)
    work.write({TASK: change(("todo", "done"))})
    work.git("stash", "--quiet")
    work.commit({TASK: change(("low", "high"))})
    work.git("stash", "pop", "--quiet")
    assert work.read(TASK) == change(("todo", "done"), ("low", "high"))


def test_a_conflict_stands_in_its_field_and_is_named(tmp_path: Path) -> None:
    """The rest of the file is merged; line endings are the file's."""
    text = TEXT.replace("\n", "\r\n")
    ours = change(("low", "high"), ("[x, y]", "[x, y, ours]"), text=text)
    theirs = change(("low", "critical  # Rita says"), ("  - p\r\n", "  - p\r\n  - theirs\r\n"), text=text)
    left = conflict(tmp_path, ours, theirs, text)
    marked = (
        "<<<<<<< ours\r\npriority: high\r\n=======\r\npriority: critical  # Rita says\r\n>>>>>>> theirs\r\n"
    )
    assert left == change(
        ("priority: low\r\n", marked),
        ("[x, y]", "[x, y, ours]"),
        ("  - p\r\n", "  - p\r\n  - theirs\r\n"),
        text=text,
    )
    assert [(p.line, p.field, p.code) for p in find_problems(left.encode(), TASK, "task")] == [
        (3, "priority", "conflict-markers")
    ]


def test_texts_are_merged_by_lines(tmp_path: Path) -> None:
    text = "title: A\ndescription: |\n  one\n\n  two\n\n  three\n"
    ours, theirs = change(("one", "ONE"), text=text), change(("three", "THREE"), text=text)
    assert merged(tmp_path / "clean", ours, theirs, text) == change(("three", "THREE"), text=ours)
    left = conflict(tmp_path / "not", ours, change(("one", "1"), ("three", "THREE"), text=text), text)
    marked = "<<<<<<< ours\n  ONE\n=======\n  1\n>>>>>>> theirs\n"
    assert left == change(("  one\n", marked), ("three", "THREE"), text=text)


def test_fields_in_another_order(tmp_path: Path) -> None:
    ours = "status: todo\ntitle: A\npriority: low\nlabels: [x, y]\ndepends_on:\n  - p\n  - q\n"
    assert merged(tmp_path / "1", ours, change(("low", "high"))) == change(("low", "high"), text=ours)
    assert merged(tmp_path / "2", change(("low", "high")), ours) == change(("low", "high"), text=ours)


@pytest.mark.parametrize("gone", ["ours", "theirs"])
def test_a_field_removed_on_one_side_and_changed_on_the_other(tmp_path: Path, gone: str) -> None:
    removed, changed = change(("priority: low\n", "")), change(("low", "high"))
    left = conflict(tmp_path, *((removed, changed) if gone == "ours" else (changed, removed)))
    sides = "=======\npriority: high\n" if gone == "ours" else "priority: high\n=======\n"
    assert left == change(("priority: low\n", f"<<<<<<< ours\n{sides}>>>>>>> theirs\n"))


def test_files_that_are_no_documents_are_merged_by_lines(tmp_path: Path) -> None:
    """``.gitattributes`` says ``tasks/**/*.yaml``; what is no document of ours is none of our business."""
    work, path = set_up(tmp_path), "tasks/docs/example.yaml"
    work.commit({path: "a: 1\n\n\nb: 2\n"})
    work.git("branch", "--force", "side")
    assert merge(work, "a: 1\na: 1\n\n\nb: 2\n", "a: 1\n\n\nb: 3\n", path).returncode == 0
    assert work.read(path) == "a: 1\na: 1\n\n\nb: 3\n"


@pytest.mark.promise("merge.lines")
def test_other_documents_and_other_files(tmp_path: Path) -> None:
    work = set_up(tmp_path)
    plan = "tasks/plans/p.yaml"
    work.commit({plan: "goal: G\ntasks: [a]\n"})
    work.git("branch", "--force", "side")
    assert merge(work, "goal: G\ntasks: [a, b]\n", "goal: G\ntasks: [a, c]\n", plan).returncode == 0
    assert work.read(plan) == "goal: G\ntasks: [a, b, c]\n"


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    work = set_up(tmp_path)
    merge(work, change(("low", "high")), change(("todo", "done")))
    assert sorted(p.name for p in work.path.rglob("*") if ".git/" not in str(p)) == sorted(
        [".git", ".gitattributes", "a.yaml", "sub", "tasks", "x.txt"]
    )
