"""``baton next`` from its record: the very same bytes as the long way, in whatever way things change in between."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import SOURCE, Baton
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

A = "title: A\npriority: low\n"
FILES = {
    "tasks/a.yaml": A, "tasks/b.yaml": "title: B größer\ndepends_on: [a]\n", "tasks/c.yaml": "title: C\npaths: [src/**]\n",
    "tasks/d.yaml": "title: D\nparent: b\nlabels: [x]\n", "README.md": "r\n",
}  # fmt: skip


class Two:
    """The same repository asked with and without what was kept."""

    def __init__(self, work: Checkout, home: Path, where: Path | None = None) -> None:
        self.work = work
        self.kept = Baton(where or work.path, home)
        off = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "baton.cache", "GIT_CONFIG_VALUE_0": "false"}
        self.anew = Baton(where or work.path, home, off)

    def agree(self) -> bool:
        """Ask both ways, as text and as JSON, thrice each; whether the last answer came from the record."""
        for words in (("next",), ("next", "--json")):
            wanted = self.anew.try_run(*words)
            for _ in range(3):
                assert self.kept.try_run(*words) == wanted
        return self.is_quick()

    def is_quick(self) -> bool:
        """Whether the answer needs no more than the record: no git, no database, no json, no re."""
        code = (
            "import sys; sys.argv = ['baton', 'next']; from gitbaton.quick import answer; code = answer(['next']);"
            "print('QUICK', code is not None and not {'sqlite3', 'json', 're', 'subprocess', 'argparse', 'typing'} & set(sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-S", "-c", code], cwd=self.kept.folder, env={**self.kept.environment(), "PYTHONPATH": SOURCE},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.endswith("QUICK True\n")


@pytest.fixture(params=["alone", "remote"])
def work(request: pytest.FixtureRequest, tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, FILES, remote=request.param == "remote")


@pytest.fixture
def two(work: Checkout, tmp_path: Path) -> Two:
    return Two(work, tmp_path / "home")


def test_one_change_after_the_other(two: Two) -> None:
    work, push = two.work, two.work.remote is not None
    assert two.agree()
    steps: list[Callable[[], object]] = [
        lambda: work.commit({"README.md": "other\n"}, push=push),
        lambda: work.commit({"tasks/c.yaml": "title: C\npaths: [src/**]\npriority: low\nstatus: done\n"}, push=push),
        lambda: work.commit({"tasks/sub/e.yaml": "# by hand\ntitle: E\npriority: critical\npaths: ['src/api']\n"}, push=push),
        lambda: two.kept("claim"),
        lambda: work.git("pack-refs", "--all"),
        lambda: work.commit({"tasks/sub/e.yaml": None, "tasks/e.yaml": "title: [\n"}, push=push),
        lambda: two.kept("add", "Another one", "--priority", "high", "--push") if push else two.kept("add", "Another one"),
        lambda: work.commit({"tasks/config.yaml": "retries: {attempts: 1}\n"}, push=push),
        lambda: work.git("config", "core.logAllRefUpdates", "false"),
        lambda: work.git("config", "baton.base", "main"),
    ]  # fmt: skip
    for n, step in enumerate(steps):
        step()
        assert two.agree(), n
    work.commit({"tasks/x/a.yaml": "title: twice\n"}, push=push)
    two.agree()


def test_what_base_is_may_change_without_a_commit(two: Two) -> None:
    work = two.work
    work.git("checkout", "--quiet", "-b", "side")
    work.commit({"tasks/side.yaml": "title: Side\npriority: critical\n"})
    if work.remote:
        work.git("push", "--quiet", "origin", "side")
    assert two.agree()
    work.git("config", "baton.base", "side")
    assert two.agree()
    assert two.kept.json("next")["task"]["id"] == "side"
    work.git("config", "--unset", "baton.base")
    if work.remote:
        work.git("remote", "set-head", "origin", "side")
    assert two.agree()
    assert two.kept.json("next")["task"]["id"] == "side"
    work.commit({"tasks/config.yaml": "base: main\n"})
    if work.remote:
        work.git("push", "--quiet", "origin", "side")
    assert two.agree()
    assert two.kept.json("next")["task"]["id"] == "d"


def test_a_linked_worktree_and_a_subfolder(two: Two, tmp_path: Path) -> None:
    assert two.agree()
    two.work.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    linked = Two(two.work, tmp_path / "home", tmp_path / "linked")
    assert linked.agree()
    below = Two(two.work, tmp_path / "home", tmp_path / "linked" / "tasks")
    assert below.is_quick()
    assert below.agree()
    assert Two(two.work, tmp_path / "home", two.work.path / ".git").kept.try_run("next").code == 1


def test_inside_an_attempt_nothing_is_quick(two: Two) -> None:
    assert two.agree()
    two.kept.env["BATON_ATTEMPT"] = two.anew.env["BATON_ATTEMPT"] = "1"
    two.kept.env["BATON_TASK"] = two.anew.env["BATON_TASK"] = "a"
    assert not two.agree()


def test_an_included_settings_file_counts(two: Two, tmp_path: Path) -> None:
    two.work.commit({"tasks/side.yaml": "title: Side\n"})
    two.work.git("branch", "side")
    two.work.git("config", "include.path", str(tmp_path / "more"))
    assert two.agree()
    (tmp_path / "more").write_text("[baton]\nbase = nowhere\n")
    two.agree()
    assert two.kept.try_run("next").code == 3


def test_an_interrupted_edit_is_completed_first(two: Two) -> None:
    assert two.agree()
    ticket = two.work.path / ".git" / "baton" / "edit-1.lock"
    ticket.write_text("of a process that was killed\n")
    assert not two.is_quick()
    two.kept("next")
    assert not ticket.exists()


@pytest.mark.parametrize("harm", ["cut", "garbage", "empty", "folder", "gone", "old"])
def test_a_harmed_cache_costs_nothing_but_time(two: Two, harm: str) -> None:
    assert two.agree()
    folder = two.work.path / ".git" / "baton"
    for file in list(folder.iterdir()):
        if not file.name.startswith(("cache-", "next-")):
            continue
        data = file.read_bytes()
        file.unlink()
        match harm:
            case "cut":
                file.write_bytes(data[: len(data) // 2])
            case "garbage":
                file.write_bytes(os.urandom(len(data)))
            case "empty":
                file.write_bytes(b"")
            case "folder":
                file.mkdir()
            case "old":
                file.with_name(file.name.replace("-0.", "-1.")).write_bytes(data)
            case _:
                pass
    two.agree()
    two.work.commit({"tasks/z.yaml": "title: Z\npriority: critical\n"}, push=two.work.remote is not None)
    two.agree()
    assert two.kept("list", "--json") == two.anew("list", "--json")


def test_many_look_while_one_commits(two: Two) -> None:
    """Every answer is right for some commit, and the last one for the last."""
    work = two.work
    two.agree()
    env = {**two.kept.environment(), "PYTHONPATH": SOURCE}
    wanted = set()
    code = "import subprocess, sys\nfor _ in range(6):\n    print(subprocess.run([sys.executable, '-m', 'gitbaton', 'next', '--json'], capture_output=True, text=True, check=True).stdout, end='')\n"
    wanted.add(two.anew("next", "--json").out)
    readers = [
        subprocess.Popen([sys.executable, "-c", code], cwd=work.path, env=env, stdout=subprocess.PIPE, text=True) for _ in range(16)
    ]  # fmt: skip
    for n in range(4):
        work.commit({"tasks/a.yaml": f"title: A {n}\npriority: {'critical' if n % 2 else 'low'}\n", f"tasks/n{n}.yaml": f"title: N{n}\n"}, push=work.remote is not None)  # fmt: skip
        wanted.add(two.anew("next", "--json").out)
    for reader in readers:
        out, _ = reader.communicate(timeout=200)
        assert reader.returncode == 0
        said = out.splitlines(keepends=True)
        assert len(said) == 6
        assert set(said) <= wanted
    two.agree()


HANDOFF = "task: {}\nagent: claude\nsummary: It stands, mostly\n"
NOTE = "task: a\nagent: ada\ncreated: 2026-01-0{}T09:00:00Z\ndata: {{note: Ask größer}}\n"


#: Shows tasks in one process: from what is kept, the long way with it, and without it. Prints whether the last came from
#: what is kept.
SHOW = """
import contextlib, io, os, sys
from gitbaton.cli import main
from gitbaton.cli.glance import answer_show
from gitbaton.cli.last import remember_last
OFF = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "baton.cache", "GIT_CONFIG_VALUE_0": "false"}

def say(way, words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = way(words)
    return code, out.getvalue(), err.getvalue()

for n, task in enumerate(sys.argv[1:]):
    words = ["show", task, *(["--json"] if n % 2 else [])]
    os.environ.update(OFF)
    wanted = say(main, words)
    for name in OFF:
        del os.environ[name]
    assert (found := say(main, words)) == wanted, (words, found, wanted)
    found = say(answer_show, words)
    assert found[0] is None or found == wanted, (words, found, wanted)
print("QUICK", found[0] is not None)
"""


class Shows(Two):
    """Tasks shown both ways."""

    def agree_on(self, *ids: str) -> bool:
        """Show each both ways; whether the last one was shown from what is kept."""
        done = subprocess.run(
            [sys.executable, "-c", SHOW, *ids], cwd=self.kept.folder, env={**self.kept.environment(), "PYTHONPATH": SOURCE},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout == "QUICK True\n"


def test_show_is_the_same_from_what_is_kept(work: Checkout, tmp_path: Path) -> None:
    two, push = Shows(work, tmp_path / "home"), work.remote is not None
    assert two.agree_on("a", "b"), "a first show leaves all that the next one needs"
    handoffs = {f"tasks/handoffs/a/2026010{n}T000000000Z-n.yaml": NOTE.format(n) for n in (2, 3)}

    def write(path: str, text: str | None) -> Callable[[], object]:
        file = work.path / path
        return file.unlink if text is None else lambda: file.write_text(text)

    steps: list[tuple[Callable[[], object], bool]] = [
        (lambda: two.kept("claim", "c"), True),
        (lambda: work.commit({**handoffs, "tasks/handoffs/d/20260101T000000000Z-r1.yaml": HANDOFF.format("d")}, push=push), True),
        (lambda: work.commit({"tasks/aa.yaml": "title: Two begin alike\n", "tasks/bad.yaml": "title: [\n", "tasks/badly.yaml": A}, push=push), True),
    ]  # fmt: skip
    if push:
        steps += [
            (lambda: work.git("checkout", "--quiet", "--detach", "HEAD~2"), True),  # behind base
            (lambda: work.git("checkout", "--quiet", "-b", "side", "main"), True),
            (lambda: work.commit({"README.md": "code alone\n"}), True),
            (lambda: work.commit({"tasks/a.yaml": "title: On a branch\n"}), False),
            (lambda: work.git("checkout", "--quiet", "main"), True),
            (write("tasks/a.yaml", "title: Only here\n"), False),
            (lambda: work.git("checkout", "--quiet", "tasks/a.yaml"), True),
            (write("tasks/new.yaml", "title: Not yet known to git\n"), False),
            (write("tasks/new.yaml", None), True),
            (write("tasks/d.yaml", None), False),
        ]
    else:
        steps += [
            (lambda: two.kept("stop", "c"), True),
            (lambda: work.git("pack-refs", "--all"), True),
            (lambda: work.commit({"tasks/config.yaml": "retries: {attempts: 1}\n"}), True),
        ]
    for n, (step, is_quick) in enumerate(steps):
        step()
        assert two.agree_on(*("new", "d")[: n % 3], "a", "c") == is_quick, n
    work.git("checkout", "--quiet", "--", "tasks")
    assert not two.agree_on("A", "aa", "", "bad", "nothing")
    assert two.agree_on("C")


def test_what_only_this_folder_has_of_handoffs_is_shown(work: Checkout, tmp_path: Path) -> None:
    two = Shows(work, tmp_path / "home")
    work.commit({".gitignore": "tasks/handoffs/\n"}, push=work.remote is not None)
    file = work.path / "tasks/handoffs/a/20260101T000000000Z-r1.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(HANDOFF.format("a"))
    two.agree_on("a")
    assert "It stands, mostly" in two.kept("show", "a").out


def claim_folding_nothing(two: Two, *words: str) -> bool:
    """Claim in a process of its own; whether it was done without reading all tasks."""
    code = f"import sys; from gitbaton.cli import main; code = main(['claim', *{words!r}]); print('KEPT', code == 0 and 'gitbaton.store.overlay' not in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=two.kept.folder, env={**two.kept.environment(), "PYTHONPATH": SOURCE},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.endswith("KEPT True\n")


def test_a_person_claims_from_what_is_kept(two: Two) -> None:
    two.work.commit({"tasks/e.yaml": "title: E\npaths: [src/api/*]\n"}, push=two.work.remote is not None)
    assert not claim_folding_nothing(two, "d")
    two.kept("next")
    assert claim_folding_nothing(two, "C"), "with paths, looked at again behind the claim"
    for task, code in (
        ("c", "not-claimable"),
        ("b", "not-claimable"),
        ("e", "paths-overlap"),
        ("x", "unknown-id"),
    ):
        assert two.kept.try_run("claim", task, "--json").error["code"] == code
    assert claim_folding_nothing(two), "the next one"
    assert two.kept.json("show", "a")["task"]["state"] == "in_progress"
    two.kept("stop", "c")
    assert claim_folding_nothing(two, "e")
    two.kept("stop", "a")
    assert claim_folding_nothing(two, "a"), "which has a state already"
    assert two.agree() is False, "nothing is ready but c, which e keeps away"
    assert {t["id"]: t["state"] for t in two.anew.json("list")["tasks"]} == {
        "a": "in_progress", "b": "waiting", "c": "ready", "d": "in_progress", "e": "in_progress",
    }  # fmt: skip
