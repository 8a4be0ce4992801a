"""Whatever a person typed, staged and committed, in whatever hand: an edit changes the three texts of its file
as it would change each alone, commits only the first, and leaves every other byte where it was.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gitbaton.errors import Refusal
from gitbaton.store.edits import commit_edits
from gitbaton.store.repository import open_repository
from gitbaton.store.yamledit import Edit, SetField, edit_yaml
from strategies import FIELD_ORDER, edits, hand_written
from support.hermetic_git import git_environment
from support.nasty import SOAK
from support.photograph import Photograph, photograph
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.promise("edit.three-texts")

FILE = "tasks/edited.yaml"
OTHERS: dict[str, str | bytes | None] = {
    "tasks/other.yaml": "title: Other\r\n# no end", "src/x.py": "x = 1\n", "bin": b"\0\xff", "run.sh": "#!/bin/sh\n",
}  # fmt: skip


class Situation(NamedTuple):
    """The three texts of a file (None: it isn't there), and what is to be done."""

    committed: bytes | None
    staged: bytes | None
    working: bytes | None
    edit: Edit
    autocrlf: str
    mode: int


@st.composite
def situations(draw: Any) -> Situation:
    written = draw(hand_written())
    texts: list[bytes | None] = [written.data]  # committed, staged, working
    for _ in range(2):  # mostly as it was; else a change of somebody's, something else altogether, or gone
        kind = draw(st.sampled_from(["same", "same", "edited", "other", "gone"]))
        last = texts[-1]
        if kind == "edited" and last is not None:
            texts.append(try_edit(last, draw(edits(written.value))) or last)
        else:
            texts.append(last if kind == "same" else draw(hand_written()).data if kind == "other" else None)
    if draw(st.sampled_from([False] * 5 + [True])):
        texts[0] = None
    edit = draw(edits(written.value))
    autocrlf, mode = (
        draw(st.sampled_from(["false", "input", "true"])),
        draw(st.sampled_from([0o644, 0o600, 0o755])),
    )
    return Situation(texts[0], texts[1], texts[2], edit, autocrlf, mode)


def apply(edit: Edit) -> Callable[[bytes | None], bytes]:
    def change(old: bytes | None) -> bytes:
        if old is None:
            raise Refusal("it is not here", code="not-here")
        return edit_yaml(old, FILE, [edit], order=FIELD_ORDER)

    return change


def try_edit(text: bytes | None, edit: Edit) -> bytes | None:
    """The text after the edit; None when it refuses."""
    try:
        return apply(edit)(text)
    except Refusal:
        return None


def set_up(work: Checkout, start: str, situation: Situation) -> None:
    """Bring the repository into the situation, with work of all kinds in other files."""
    work.git("reset", "--quiet", "--hard", start)
    work.git("clean", "--quiet", "-fdx")
    work.git("config", "core.autocrlf", situation.autocrlf)
    work.git("config", "core.safecrlf", "false")
    if situation.committed is not None:
        work.commit({FILE: situation.committed})
    if situation.staged is not None:
        work.write({FILE: situation.staged})
        work.git("add", FILE)
    elif situation.committed is not None:
        work.git("rm", "--quiet", "--force", FILE)
    if situation.working is not None:
        work.write({FILE: situation.working})
        (work.path / FILE).chmod(situation.mode)
    elif (work.path / FILE).exists():
        work.write({FILE: None})
    work.write({"src/x.py": "x = 2\n", "tasks/other.yaml": "title: Mine\n"})
    work.git("add", "src/x.py")
    work.write({"src/x.py": "x = 3\n", "tasks/loose.yaml": "title: [\n", "run.sh": None})


def read_texts(work: Checkout) -> list[bytes | None]:
    """Committed, staged and working text as they are."""
    found: list[bytes | None] = []
    for name in (f"HEAD:{FILE}", f":{FILE}"):
        done = subprocess.run(
            ["git", "cat-file", "blob", name],
            cwd=work.path,
            env=git_environment(),
            capture_output=True,
            check=False,
        )
        found.append(done.stdout if done.returncode == 0 else None)
    path = work.path / FILE
    return [*found, path.read_bytes() if path.exists() else None]


def expected(texts: list[bytes | None], edit: Edit) -> list[bytes | None] | None:
    """The three texts afterwards; None when the edit must be refused. A file that is not committed stays
    uncommitted, and what a person deleted stays deleted.
    """
    after: list[bytes | None] = []
    for text in texts:
        new = try_edit(text, edit)
        if text is not None and new is None:
            return None
        after.append(new)
    return None if all(text is None for text in texts) else after


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return make_repository(tmp_path_factory.mktemp("properties"), OTHERS)


@pytest.mark.promise("edit.other-work")
@settings(max_examples=400 if SOAK else 25, deadline=None, suppress_health_check=list(HealthCheck))
@given(situation=situations())
@example(situation=Situation(b"a: 1\n", b"a: 1\r\n", b"a: 1", SetField(("b",), "x"), "true", 0o600))
@example(situation=Situation(b"a: 1\n", None, b"a: 2 # mine\n", SetField(("a",), 3), "false", 0o755))
@example(situation=Situation(None, b"a: 1\n", None, SetField(("a",), 3), "false", 0o644))
def test_an_edit_among_a_persons_work(work: Checkout, start: str, situation: Situation) -> None:
    set_up(work, start, situation)
    before, texts = photograph(work.path), read_texts(work)
    wanted = expected(texts, situation.edit)
    if wanted is None:
        with pytest.raises(Refusal):
            commit_edits(open_repository(work.path), {FILE: apply(situation.edit)}, "Edit")
        assert photograph(work.path) == before
        return
    done = commit_edits(open_repository(work.path), {FILE: apply(situation.edit)}, "Edit")
    after = photograph(work.path)
    assert read_texts(work) == wanted
    assert rest(after) == rest(before)
    if FILE in before.files:
        assert after.files[FILE][0] == before.files[FILE][0], "its permissions"
    if FILE in before.staged:
        assert after.staged[FILE].split()[:2] == before.staged[FILE].split()[:2], (
            "its bits and mode in the index"
        )
    if wanted[0] == texts[0]:
        assert done.commit is None
        assert after.refs == before.refs
    else:
        assert after.refs["refs/heads/main"] == done.commit
        assert work.git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD") == FILE
        assert work.git("rev-parse", "HEAD^") == before.refs["refs/heads/main"]


def rest(photo: Photograph) -> Photograph:
    return photo.without([FILE], ["refs/heads/main"])


@pytest.fixture(scope="module")
def start(work: Checkout) -> str:
    return work.head()
