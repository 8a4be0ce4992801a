"""Many processes that edit one repository at once: every edit arrives, each as a commit of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import SOURCE
from support.hermetic_git import git_environment
from support.repos import make_repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.promise("edit.none-lost")

WRITERS, EDITS = 16, 4
#: One writer: waits for the word, then adds lines to a file that all share and to one of its own.
SCRIPT = """
import sys
from pathlib import Path
from gitbaton.store.edits import commit_edits
from gitbaton.store.repository import open_repository

me, times = sys.argv[1], int(sys.argv[2])
repo = open_repository(Path.cwd())
print("ready", flush=True)
sys.stdin.readline()
for n in range(times):
    path = "tasks/shared.yaml" if n % 2 else f"tasks/own-{me}.yaml"
    line = f"- {me} {n}\\n".encode()
    commit_edits(repo, {path: lambda old: (old or b"") + line}, f"{me} {n}")
"""


def test_sixteen_writers(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"tasks/shared.yaml": "", "x.py": "x = 1\n", "y.py": "y = 1\n"})
    work.write({"x.py": "x = 2\n", "y.py": "y = 2\n", "loose.txt": "l\n"})
    work.git("add", "x.py")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(n), str(EDITS)],
            cwd=work.path,
            env={**git_environment(), "PYTHONPATH": SOURCE},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    # A person works on meanwhile; git's own commands may find the index taken for a moment.
    saved = 0
    while any(writer.poll() is None for writer in writers):
        work.write({"z.py": f"z = {saved}\n"})
        if work.try_git("add", "z.py").returncode == 0:
            saved += 1
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert saved, "a person gets through, too"
    work.write({"z.py": None})
    work.git("add", "z.py")

    expected = {f"{w} {n}" for w in range(WRITERS) for n in range(EDITS)}
    commits = work.git("log", "--format=%x00%s", "--name-only", "--no-merges", f"-{len(expected)}").split(
        "\0"
    )[1:]
    seen = {}
    for commit in commits:
        subject, *files = commit.split()[0:2], *commit.split()[2:]
        seen[" ".join(subject)] = files
    assert set(seen) == expected, "no edit was lost"
    assert {len(files) for files in seen.values()} == {1}, "no commit holds somebody else's work"
    lines = [
        line
        for name in ("shared", *(f"own-{n}" for n in range(WRITERS)))
        for line in work.read(f"tasks/{name}.yaml").splitlines()
    ]
    assert sorted(lines) == sorted(f"- {e}" for e in expected)
    assert work.status() == "M  x.py\n M y.py\n?? loose.txt"
