"""Files that hold anything: every reader says what is wrong and where, or reads it; none ever fails otherwise, takes
long, or leaves a file out in silence.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.board import BrokenRow, TaskRow
from gitbaton.errors import BatonError
from gitbaton.store.documents import find_problems, read_task
from gitbaton.store.layout import Place
from gitbaton.store.merge import merge_texts
from gitbaton.store.repository import open_repository
from gitbaton.store.scan import scan_task
from gitbaton.store.schemas import KINDS
from gitbaton.usecases.board import list_tasks
from gitbaton.usecases.choosing import choose_next
from gitbaton.usecases.project import load_view
from gitbaton.usecases.validate import validate_repository
from support.nasty import FEW, FILES, MANY, ODD_BUT_SOUND, file_bytes
from support.repos import Checkout, make_repository, project

if TYPE_CHECKING:
    from pathlib import Path

PATHS = {
    "task": "tasks/t.yaml", "plan": "tasks/plans/t.yaml", "config": "tasks/config.yaml", "role": "tasks/roles/t.yaml",
    "handoff": "tasks/handoffs/t/1.yaml", "workflow": "tasks/workflows/t.yaml", "state": "refs/baton/tasks/t:state.yaml",
}  # fmt: skip
LIMIT_S = 20.0  # on a busy machine; a reader that explodes takes for ever


def check_problems(data: bytes, kind: str) -> int:
    """Every problem has a place in the file, a code and words; how many there are."""
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found = find_problems(data, PATHS[kind], kind)
    for problem in found:
        assert problem.path == PATHS[kind]
        assert 1 <= problem.line <= len(lines), problem
        assert problem.column >= 1, problem
        assert problem.code
        assert 0 < len(problem.message) < 2000
        assert problem.message.replace("\n", "").isprintable(), problem
        assert problem.field.isprintable(), problem
    assert len(found) <= 200, "more than helps anybody"
    return len(found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_what_is_wrong_is_told_in_time(name: str, kind: str) -> None:
    start = time.monotonic()
    assert check_problems(FILES[name], kind)
    assert time.monotonic() - start < LIMIT_S


@pytest.mark.parametrize("name", ODD_BUT_SOUND)
def test_what_only_looks_odd_is_read(name: str) -> None:
    row = read_task(ODD_BUT_SOUND[name], PATHS["task"], Place("task", "t"))
    assert isinstance(row, TaskRow), row
    assert row.title == "T"


@MANY
@given(file_bytes, st.sampled_from(KINDS))
def test_any_bytes(data: bytes, kind: str) -> None:
    check_problems(data, kind)


@MANY
@given(file_bytes)
def test_the_quick_reader_agrees_with_the_real_one(data: bytes) -> None:
    real = read_task(data, PATHS["task"], Place("task", "t"))
    quick = scan_task(data, PATHS["task"], "t")
    assert quick is None or quick == real
    assert isinstance(real, BrokenRow) == bool(find_problems(data, PATHS["task"], "task"))


@MANY
@given(file_bytes, file_bytes, file_bytes)
def test_merging_anything_loses_nothing(base: bytes, ours: bytes, theirs: bytes) -> None:
    try:
        merged = merge_texts(base, ours, theirs, PATHS["task"])
    except BatonError:
        return  # git's own merge takes over
    if merged is not None and ours == base:
        assert merged == theirs


# -- whole repositories ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return make_repository(
        tmp_path_factory.mktemp("fuzz"), {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\n"}
    )


def look(work: Checkout) -> None:
    """Every way of looking at a repository; each file under ``tasks/`` is on the board or named as broken, and what the
    board calls broken is a problem of ``validate``, too.
    """
    asked = project(work)
    view = load_view(asked, local=True)
    listed = list_tasks(asked)
    found = {p.path for p in validate_repository(asked)}
    broken = {row.path for row in view.board.broken}
    assert broken <= found, "broken on the board, sound to validate"
    rows = {entry.row.path for entry in view.board.entries.values()}
    files = {str(p.relative_to(work.path)) for p in (work.path / "tasks").glob("*.yaml")} - {
        "tasks/config.yaml"
    }
    assert files <= rows | broken, "a file is left out in silence"
    assert {row.path for row in listed.broken} == broken
    choose_next(load_view(asked, local=False))


@FEW
@given(
    st.dictionaries(st.sampled_from(sorted(set(PATHS.values()) - {PATHS["state"]})), file_bytes, max_size=4),
    st.booleans(),
)
def test_any_files(work: Checkout, files: dict[str, bytes], committed: bool) -> None:
    start = work.head()
    work.write(dict(files))
    if committed:
        work.commit()
    try:
        look(work)
    finally:
        work.git("reset", "--quiet", "--hard", start)
        work.git("clean", "--quiet", "-d", "--force")


@pytest.mark.parametrize("committed", [False, True])
def test_all_that_is_nasty_at_once(tmp_path: Path, committed: bool) -> None:
    """Sound files stay readable beside any number of broken ones, within bounded memory and time."""
    work = make_repository(tmp_path, {"tasks/a.yaml": "title: A\n"})
    work.write({f"tasks/bad-{name}.yaml": data for name, data in FILES.items()})
    work.write(
        {
            f"tasks/{folder}/bad-{name}.yaml": data
            for folder in ("plans", "roles", "handoffs/a")
            for name, data in FILES.items()
            if len(data) < 10**6
        }
    )
    if committed:
        work.commit()
    start = time.monotonic()
    look(work)
    assert time.monotonic() - start < 3 * LIMIT_S
    board = load_view(project(work), local=not committed).board
    assert {row.path for row in board.broken} == {f"tasks/bad-{name}.yaml" for name in FILES}
    assert board.entries["a"].claimable


@pytest.mark.parametrize("name", FILES)
def test_a_broken_config_stops_whoever_acts_and_nobody_who_looks(name: str, tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"tasks/a.yaml": "title: A\n", "tasks/config.yaml": FILES[name]})
    assert open_repository(work.path).config_problems
    look(work)
