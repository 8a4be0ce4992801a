"""What a reviewer is shown: every change of every kind, and nothing that the files' author could have made run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.store.failures import GitFailed
from gitbaton.store.history import Change, list_changes
from gitbaton.store.repository import open_repository
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

LINES = "".join(f"line {n}\n" for n in range(20))


@pytest.fixture
def work(tmp_path: Path) -> Checkout:
    return make_repository(
        tmp_path,
        {"a.txt": "one\ntwo\n", "b.txt": LINES, "gone.txt": "g\n", "run.sh": "#!/bin/sh\n", "x.bin": b"\0\1"},
    )


def look(work: Checkout, start: str) -> list[Change]:
    return list_changes(open_repository(work.path), start, work.head())


def test_every_kind_of_change(work: Checkout) -> None:
    start = work.head()
    work.git("mv", "b.txt", "sub-b.txt")
    (work.path / "run.sh").chmod(0o755)
    (work.path / "a.txt").write_text("one\n2\nthree")
    work.commit(
        {
            "gone.txt": None,
            "new.txt": "+ plus\n- minus\n\x0cform\u2028feed\n",
            "x.bin": b"\0\2",
            "sub-b.txt": LINES + "more\n",
        }
    )
    found = look(work, start)
    assert [(c.path, c.kind, c.added, c.removed, c.old_path) for c in found] == [
        ("a.txt", "M", 2, 1, None), ("gone.txt", "D", 0, 1, None), ("new.txt", "A", 3, 0, None), ("run.sh", "M", 0, 0, None),
        ("sub-b.txt", "R", 1, 0, "b.txt"), ("x.bin", "M", 0, 0, None),
    ]  # fmt: skip
    assert found[0].patch == "@@ -1,2 +1,3 @@\n one\n-two\n+2\n+three\n\\ No newline at end of file\n"


def test_a_file_that_becomes_a_link(work: Checkout) -> None:
    start = work.head()
    (work.path / "a.txt").unlink()
    (work.path / "a.txt").symlink_to("b.txt")
    work.commit()
    assert {(c.path, c.kind) for c in look(work, start)} in (
        {("a.txt", "T")},
        {("a.txt", "A"), ("a.txt", "D")},
    )


@pytest.mark.parametrize(
    "name", ["a b.txt", "ü 日本.txt", 'q"uote.txt', "back\\slash.txt", "a => b", "-dash", "b/a/b.txt"]
)
def test_names_of_any_kind(work: Checkout, name: str) -> None:
    start = work.head()
    work.commit({name: "x\n"})
    work.commit({name: "y\n"})
    assert [(c.path, c.kind, c.added) for c in look(work, start)] == [(name, "A", 1)]
    assert [(c.path, c.kind, c.added, c.removed) for c in look(work, work.git("rev-parse", "HEAD^"))] == [
        (name, "M", 1, 1)
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("tab\there", "tab\\there"), ("line\nbreak", "line\\nbreak"), ("esc\x1b[2J", "esc\\x1b[2J")],
)
def test_names_that_would_steer_a_terminal_are_escaped(work: Checkout, name: str, shown: str) -> None:
    start = work.head()
    work.commit({name: "x\n"})
    assert [(c.path, c.kind) for c in look(work, start)] == [(shown, "A")]


def test_settings_that_change_diffs_for_people_change_nothing(work: Checkout) -> None:
    start = work.head()
    program = work.path.parent / "diff-program"
    program.write_text(f"#!/bin/sh\ntouch '{work.path.parent}/ran'\necho nothing\n")
    program.chmod(0o755)
    work.commit({".gitattributes": "*.txt diff=x\n", "a.txt": "one\n2\n", "ü.txt": "u\n"})
    head = work.head()
    for name, value in {
        "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "color.ui": "always", "diff.external": str(program),
        "diff.x.textconv": str(program), "diff.x.command": str(program), "core.fsmonitor": str(program), "core.pager": str(program),
        "diff.renames": "false", "diff.context": "0", "diff.algorithm": "patience", "core.quotePath": "false",
    }.items():  # fmt: skip
        work.git("config", name, value)
    found = {c.path: (c.added, c.removed) for c in list_changes(open_repository(work.path), start, head)}
    assert found == {".gitattributes": (1, 0), "a.txt": (1, 1), "ü.txt": (1, 0)}
    assert not (work.path.parent / "ran").exists()


def test_variables_of_git_don_t_lead_elsewhere(
    work: Checkout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    start = work.head()
    work.commit({"a.txt": "2\n"})
    other = make_repository(tmp_path, {"x.txt": "x\n"}, name="other")
    for name in ("GIT_DIR", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(other.path / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / ".git/objects"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_TRACE", "1")
    monkeypatch.setenv("GIT_DIFF_OPTS", "-u0")
    found = list_changes(open_repository(work.path), start, work.git("rev-parse", "HEAD"))
    assert [(c.path, c.added, c.removed) for c in found] == [("a.txt", 1, 2)]


def test_in_a_linked_worktree_and_a_folder_of_any_name(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"a.txt": "1\n"}, name="a 'b' ü")
    work.git("worktree", "add", "--quiet", "-b", "side", "../side")
    start, side = work.head(), Checkout(tmp_path / "side")
    side.commit({"a.txt": "2\n"})
    assert [c.path for c in look(side, start)] == ["a.txt"]


def test_submodules_and_a_list_of_them_that_can_not_be_read(tmp_path: Path) -> None:
    inner = make_repository(tmp_path, {"lib.py": "l\n"}, name="inner")
    work = make_repository(tmp_path, {"a.txt": "1\n"})
    start = work.head()
    work.git("submodule", "--quiet", "add", str(inner.path), "lib")
    work.commit({"a.txt": "2\n"})
    assert [(c.path, c.kind) for c in look(work, start)] == [
        (".gitmodules", "A"),
        ("a.txt", "M"),
        ("lib", "A"),
    ]
    work.commit({".gitmodules": '[submodule "x"\n\tpath\nrubbish'})
    with pytest.raises(GitFailed, match=r"bad config line 2 in file .*\.gitmodules"):
        look(work, start)
