"""State refs that hold anything: the task is held and says why, the others stay as they are, and nobody acts on what
can't be read.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.edges.local_forge import LocalForge
from gitbaton.errors import BatonError
from gitbaton.store.live import read_tips
from gitbaton.usecases.board import list_tasks, show_task
from gitbaton.usecases.choosing import choose_next
from gitbaton.usecases.claim import claim_as_person
from gitbaton.usecases.project import load_view
from gitbaton.usecases.sync import sync_reviews
from support.cli import Baton
from support.nasty import FEW, FILES, SOUND, file_bytes
from support.repos import Checkout, make_repository, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = "refs/baton/tasks/"


def state_commit(work: Checkout, tree: str) -> str:
    """A commit of the tree that these ``mktree`` lines describe."""
    return work.git("commit-tree", "-m", "x", work.git("mktree", "--missing", stdin=tree))


def blob(work: Checkout, data: bytes) -> str:
    (work.path / "blob.tmp").write_bytes(data)
    oid = work.git("hash-object", "-w", "--no-filters", "blob.tmp")
    (work.path / "blob.tmp").unlink()
    return oid


def look(work: Checkout) -> dict[str, str]:
    """Look in every way and try to act; the tasks' states by id."""
    asked = project(work, open_forge=lambda repo: LocalForge(repo, asked.refs))
    view = load_view(asked, local=True)
    list_tasks(asked)
    choose_next(load_view(asked, local=False))
    for act in (
        lambda: show_task(asked, "a"),
        lambda: claim_as_person(asked, "a"),
        lambda: sync_reviews(asked),
    ):
        try:
            act()
        except BatonError:
            continue
    return {i: e.state for i, e in view.board.entries.items()}


def work_on(folder: Path) -> Checkout:
    return make_repository(folder, {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\n"})


TREES: dict[str, Callable[[Checkout], str]] = {
    "no state.yaml": lambda w: f"100644 blob {blob(w, b'x')}\tother\n",
    "nothing": lambda _: "",
    "a folder": lambda w: f"040000 tree {w.git('rev-parse', 'HEAD^{tree}')}\tstate.yaml\n",
    "a link": lambda w: f"120000 blob {blob(w, b'/etc/passwd')}\tstate.yaml\n",
    "a submodule": lambda w: f"160000 commit {w.head()}\tstate.yaml\n",
    "huge": lambda w: f"100644 blob {blob(w, FILES['huge'])}\tstate.yaml\n",
    "missing blob": lambda _: f"100644 blob {'1' * 40}\tstate.yaml\n",
    "another task's": lambda w: f"100644 blob {blob(w, SOUND['state'].replace(b'task: a', b'task: b'))}\tstate.yaml\n",
    "a lease that is no time": lambda w: f"100644 blob {blob(w, SOUND['state'].replace(b'2026-01-31T10:00:00Z', b'soon'))}\tstate.yaml\n",
    "a question asked at no time": lambda w: f"100644 blob {blob(w, SOUND['state'].replace(b'in_progress', b'needs_input').replace(b'2026-01-31T09:00:00Z', b'soon', 1))}\tstate.yaml\n",
    "a start that is no time": lambda w: f"100644 blob {blob(w, SOUND['state'].replace(b'started: ', b'started: x, message: '))}\tstate.yaml\n",
}  # fmt: skip


@pytest.mark.parametrize("name", TREES)
def test_a_state_that_is_none_holds_its_task(name: str, tmp_path: Path) -> None:
    work = work_on(tmp_path)
    work.git("update-ref", FOLDER + "a", state_commit(work, TREES[name](work)))
    before = work.git("rev-parse", FOLDER + "a")
    assert look(work) == {"a": "held", "b": "ready"}
    assert read_tips(project(work).repo).unreadable["a"]
    assert work.git("rev-parse", FOLDER + "a") == before, "nobody overwrote what could not be read"


def test_files_beside_the_state_are_nobodys_business(tmp_path: Path) -> None:
    work = work_on(tmp_path)
    oid = blob(work, SOUND["state"].replace(b"status: in_progress", b"status: in_review"))
    tree = f"100644 blob {oid}\tstate.yaml\n100644 blob {blob(work, b'x')}\tother\n"
    work.git("update-ref", FOLDER + "a", state_commit(work, tree))
    assert look(work)["a"] == "in_review"


@pytest.mark.parametrize("what", ["HEAD:tasks/a.yaml", "HEAD^{tree}", "tag"])
def test_a_state_ref_that_is_no_state(what: str, tmp_path: Path) -> None:
    work = work_on(tmp_path)
    if what == "tag":
        work.git("tag", "-a", "-m", "t", "tag")
    work.git("update-ref", FOLDER + "a", work.git("rev-parse", what))
    assert look(work) == {"a": "held", "b": "ready"}


@pytest.mark.parametrize(
    "name", ["a/b", "A", "ü", "x" * 200, "-x", "a.b", "$(x)", "a'b", 'a"b', "%s", "con", "a;b"]
)
def test_refs_with_odd_names(name: str, tmp_path: Path) -> None:
    work = work_on(tmp_path)
    tip = state_commit(work, f"100644 blob {blob(work, SOUND['state'])}\tstate.yaml\n")
    work.git("update-ref", FOLDER + name, tip)
    assert look(work)["b"] == "ready"
    assert name in read_tips(project(work).repo).unreadable


def test_a_ref_in_the_way_of_a_task(tmp_path: Path) -> None:
    """A state ref ``a/x`` leaves no room for ``a``."""
    work = work_on(tmp_path)
    work.git("update-ref", FOLDER + "a/x", work.head())
    here = Baton(work.path, tmp_path / "home")
    said = here("claim", "a", "--json", code=1).error
    assert said["code"] == "ref-in-the-way"
    assert here.json("claim", "b")["task"]["id"] == "b"


@pytest.mark.parametrize("target", ["refs/heads/main", "refs/baton/tasks/a", "refs/nowhere"])
def test_symbolic_state_refs(target: str, tmp_path: Path) -> None:
    work = work_on(tmp_path)
    (work.path / ".git/refs/baton/tasks").mkdir(parents=True)
    (work.path / ".git/refs/baton/tasks/a").write_text(f"ref: {target}\n")
    said = Baton(work.path, tmp_path / "home").try_run("list", "--json")
    assert said.code in (0, 1), said
    assert "Traceback" not in said.err


@FEW
@given(file_bytes, st.sampled_from(["a", "b", "c"]))
def test_any_state(fuzzed: Checkout, data: bytes, task: str) -> None:
    fuzzed.git(
        "update-ref", FOLDER + task, state_commit(fuzzed, f"100644 blob {blob(fuzzed, data)}\tstate.yaml\n")
    )
    try:
        look(fuzzed)
    finally:
        fuzzed.git("update-ref", "-d", FOLDER + task)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return work_on(tmp_path_factory.mktemp("states"))


ODD_NAMES = [
    b"new\nline.yaml", b"qu'ote.yaml", b'dou"ble.yaml', b"-dash.yaml", b"--force.yaml", b"sp ace.yaml", b"non-\xff-utf8.yaml",
    b"Upper.yaml", b"z.yml", b".hidden.yaml", b"con.yaml", b"a..b.yaml", b"x.lock.yaml", b"\xc3\xbc.yaml", b"tab\t.yaml",
    b"esc\x1b[2J.yaml", b"back\\slash.yaml", b"%s{0}.yaml", b"x" * 100 + b".yaml", b".yaml", b"config.YAML",
]  # fmt: skip


@pytest.mark.parametrize("committed", [False, True])
def test_odd_file_names_are_told_and_harm_nothing(committed: bool, tmp_path: Path) -> None:
    work = work_on(tmp_path)
    for name in ODD_NAMES:
        (work.path / "tasks" / os.fsdecode(name)).write_bytes(b"title: Odd\n")
    if committed:
        work.commit()
    here = Baton(work.path, tmp_path / "home")
    listed = here.json("list")
    assert [t["id"] for t in listed["tasks"]] == ["a", "b"]
    hidden = {b".hidden.yaml", b".yaml"}
    assert len(listed["broken"]) == len(ODD_NAMES) - len(hidden)
    said = here("validate", "--json", code=1)
    problems = json.loads(said.out or said.err)["problems"]
    assert len({p["path"] for p in problems}) == len(listed["broken"])
    for words in (("list",), ("validate",), ("next",)):
        shown = here.try_run(*words)
        assert shown.code in (0, 1), shown
        assert "\x1b" not in shown.out + shown.err, "a name must not steer a terminal"
    here("set", "a", "priority=high")
    assert work.git("show", "--format=", "--name-only", "HEAD") == "tasks/a.yaml"
