"""Whether conflict markers are left is told from the markers that the merge itself wrote."""

from __future__ import annotations

import pytest

from gitbaton.domain.conflicts import Conflict, find_conflict, find_unresolved
from gitbaton.domain.guards import ChangedFile

OURS, THEIRS = "a" * 40, "b" * 40
HEADING = "Title\n=======\n"
MARKED = f"{HEADING}<<<<<<< {OURS}\nx\n=======\ny\n>>>>>>> {THEIRS}\n"
DOC = Conflict("doc.rst", 7, 1)


def changed(path: str, text: str | None) -> ChangedFile:
    return ChangedFile(path, "100644" if text else "000000", "100644", 0, text.encode() if text else None)


def test_a_conflict_knows_the_lines_that_only_look_like_its_own() -> None:
    sides = (OURS, THEIRS)
    assert find_conflict("doc.rst", MARKED.encode(), sides) == DOC
    longer = MARKED.replace("=======\ny", "=" * 12 + "\ny").replace("<<<<<<<", "<" * 12)
    assert find_conflict("doc.rst", longer.replace(">>>>>>>", ">" * 12).encode(), sides) == ("doc.rst", 12, 0)
    assert find_conflict("a.bin", b"\0", sides) is None
    assert find_conflict("gone", None, sides) is None


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ([], ("doc.rst",)),
        ([changed("doc.rst", HEADING + "x and y\n")], ()),
        ([changed("doc.rst", None)], ()),
        ([changed("doc.rst", HEADING + "x\n=======\ny\n")], ("doc.rst",)),
        ([changed("doc.rst", f"x\n>>>>>>> {THEIRS}\n")], ("doc.rst",)),
        ([changed("doc.rst", "<<<<<<< HEAD\nan example\n>>>>>>> main\n")], ()),
        ([changed("doc.rst", None), changed("moved.rst", MARKED)], ("moved.rst",)),
    ],
    ids=["untouched", "resolved", "deleted", "divider", "end", "example", "moved"],
)
def test_what_is_left(changes: list[ChangedFile], left: tuple[str, ...]) -> None:
    assert find_unresolved([DOC], changes, (OURS, THEIRS)) == left
    assert find_unresolved([], changes, ()) == ()
