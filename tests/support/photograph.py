"""Everything in a worktree that a person would miss, in one value: compare it before and after."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from support.hermetic_git import git

if TYPE_CHECKING:
    from collections.abc import Collection


class Photograph(NamedTuple):
    """``staged``: path → tag, mode and blob; ``files``: path → permission bits and bytes (a link's target, None
    for a folder); ``refs`` with HEAD; ``doing``: what is in progress (``MERGE_HEAD`` and its like).
    """

    staged: dict[str, str]
    files: dict[str, tuple[int, bytes | None]]
    refs: dict[str, str]
    doing: dict[str, bytes]

    def without(self, paths: Collection[str], refs: Collection[str] = ()) -> Photograph:
        """The same without these paths and refs."""
        return Photograph(
            {p: e for p, e in self.staged.items() if p not in paths},
            {p: e for p, e in self.files.items() if p not in paths},
            {r: o for r, o in self.refs.items() if r not in refs},
            self.doing,
        )


def photograph(top: Path) -> Photograph:
    """The worktree at ``top`` as it is now. Fails when a lock or a note of an edit was left behind."""
    state = top / git(top, "rev-parse", "--git-dir")
    names = sorted(path.name for path in state.iterdir())
    assert "index.lock" not in names
    assert not [p for p in (state / "baton").glob("*") if p.name.startswith(("edit-", "checkout-"))]
    lines = git(top, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    refs = dict(line.split(" ") for line in lines)
    refs["HEAD"] = git(top, "rev-parse", "--symbolic-full-name", "HEAD") if refs else "unborn"
    doing = {n: (state / n).read_bytes() for n in names if n.endswith("_HEAD") and n != "FETCH_HEAD"}
    return Photograph(_read_index(top), _read_files(top), refs, doing)


def _read_index(top: Path) -> dict[str, str]:
    staged = {}
    for line in git(top, "ls-files", "--stage", "-v", "-z").split("\0"):
        if line:
            meta, _, path = line.partition("\t")
            stage = meta.split()[3]
            staged[f"{path}:{stage}" if stage != "0" else path] = meta
    return staged


def _read_files(top: Path) -> dict[str, tuple[int, bytes | None]]:
    files: dict[str, tuple[int, bytes | None]] = {}
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name != ".git"]
        for name in {*names, *folders} - {".git"}:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            data = None
            if stat.S_ISLNK(mode):
                data = os.fsencode(path.readlink())
            elif stat.S_ISREG(mode):
                data = path.read_bytes()
            files[str(path.relative_to(top))] = (stat.S_IMODE(mode), data)
    return files
