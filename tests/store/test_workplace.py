"""The agent's workplace: whatever an agent leaves there is read as files, and nothing of it runs."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.config import Guards
from gitbaton.domain.guards import ChangedFile, judge_change
from gitbaton.errors import Refusal
from gitbaton.store import capture as capture_module
from gitbaton.store.capture import Captured, bring_home, capture_tree, list_changes, own_git
from gitbaton.store.git import Commit, commit_tree
from gitbaton.store.repository import open_repository
from gitbaton.store.workplace import Workplace, build_environment, make_workplace, remove_workplace
from support.hermetic_git import git, git_environment, try_git
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

FILES: dict[str, str | bytes | None] = {
    "README.md": "r\n", "src/a.py": "a = 1\n", "src/b.py": "b = 1\n", "run.sh": "#!/bin/sh\n", ".gitignore": "*.log\nbuild/\n",
}  # fmt: skip


class Desk:
    """A repository and a workplace of it, in which a test plays the agent."""

    def __init__(self, folder: Path, files: dict[str, str | bytes | None] | None = None) -> None:
        self.folder = folder
        self.checkout = make_repository(folder, files or FILES)
        self.start = self.checkout.head()
        self.place = self.open()
        self.ran = folder / "ran"

    def open(self, where: Checkout | None = None, start: str | None = None) -> Workplace:
        checkout = where or self.checkout
        repo = open_repository(checkout.path)
        root = self.folder / "cache" / f"job-1-{len(list(self.folder.glob('cache/*')))}"
        return make_workplace(repo, root, start=start or checkout.head(), branch="baton/job")

    @property
    def agent(self) -> Checkout:
        """The agent at work, with its own git."""
        return Checkout(self.place.work)

    def plant(self, path: Path | str, text: str = "") -> str:
        """A program that leaves a trace when it runs; its path."""
        full = self.place.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(f"#!/bin/sh\necho {path} >> '{self.ran}'\n{text}")
        full.chmod(0o755)
        return str(full)

    def capture(self) -> Captured:
        return capture_tree(self.place, self.start)

    def changes(self, **bounds: int) -> list[ChangedFile]:
        return list_changes(self.place, self.start, self.capture(), **bounds)

    def captured(self) -> dict[str, tuple[str, bytes | None]]:
        """Path → mode and bytes of what changed."""
        return {c.path: (c.mode, c.data) for c in self.changes()}

    def files(self) -> list[str]:
        """Every path that was captured."""
        tree = self.capture().tree
        out = own_git(self.place).text("ls-tree", "-r", "--name-only", "-z", tree)
        return [name for name in out.split("\0") if name]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


PLAIN = "100644"


# -- a private clone -------------------------------------------------------------------------------------------


def test_the_clone_has_the_work_and_nothing_of_the_person(desk: Desk) -> None:
    agent = desk.agent
    assert (agent.head(), agent.status()) == (desk.start, "")
    assert agent.git("symbolic-ref", "HEAD") == "refs/heads/baton/job"
    assert agent.git("for-each-ref", "--format=%(refname)").splitlines() == [
        "refs/heads/baton/job",
        "refs/heads/main",
    ]
    assert agent.git("remote") == ""
    assert not (desk.place.work / ".git/hooks").exists()
    assert not (desk.place.work / ".git/objects/info/alternates").exists()
    inodes = {p.stat().st_ino for p in (desk.checkout.path / ".git/objects").rglob("*") if p.is_file()}
    assert not inodes & {
        p.stat().st_ino for p in (desk.place.work / ".git/objects").rglob("*") if p.is_file()
    }
    assert (
        stat.S_IMODE(desk.place.home.stat().st_mode)
        == stat.S_IMODE(desk.place.outbox.stat().st_mode)
        == 0o700
    )


def test_the_clone_starts_where_it_is_told(desk: Desk) -> None:
    desk.checkout.git("checkout", "--quiet", "-b", "side")
    later = desk.checkout.commit({"src/c.py": "c = 1\n"})
    place = desk.open(start=later)
    assert Checkout(place.work).head() == later
    assert (place.work / "src/c.py").exists()


def test_settings_of_the_person_don_t_reach_the_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text(
        '[core]\n autocrlf = true\n hooksPath = /tmp/x\n[protocol]\n version = 0\n[protocol "file"]\n allow = never\n'
        '[filter "lfs"]\n clean = false\n smudge = false\n required = true\n[core]\n excludesFile = ~/ignore\n'
    )  # fmt: skip
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    desk = Desk(tmp_path, {**FILES, ".gitattributes": "*.bin filter=lfs\n", "x.bin": "pointer\n"})
    assert (desk.place.work / "src/a.py").read_bytes() == b"a = 1\n"
    assert (desk.place.work / "x.bin").read_bytes() == b"pointer\n"
    assert desk.captured() == {}


def test_from_a_shallow_clone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.checkout.commit({"src/a.py": "a = 2\n"})
    git(tmp_path, "clone", "--quiet", "--depth=1", desk.checkout.path.as_uri(), "shallow")
    shallow = Checkout(tmp_path / "shallow")
    desk.place, desk.start = desk.open(shallow), shallow.head()
    assert desk.agent.git("rev-list", "--count", "HEAD") == "1"
    desk.agent.write({"src/a.py": "a = 3\n"})
    assert desk.captured() == {"src/a.py": (PLAIN, b"a = 3\n")}
    repo = open_repository(shallow.path)
    bring_home(repo, desk.place, commit(desk))
    assert shallow.git("rev-parse", "--is-shallow-repository") == "true"


def test_from_a_linked_worktree_a_clone_with_borrowed_objects_and_a_partial_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.checkout.git("worktree", "add", "--quiet", "-b", "side", "../side")
    git(tmp_path, "clone", "--quiet", "--shared", str(desk.checkout.path), "borrowing")
    desk.checkout.git("config", "uploadpack.allowFilter", "true")
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--no-checkout",
        "--filter=blob:none",
        desk.checkout.path.as_uri(),
        "partial",
    )
    for name in ("side", "borrowing", "partial"):
        where = Checkout(tmp_path / name)
        desk.place, desk.start = desk.open(where), where.head()
        desk.agent.write({"src/a.py": f"a = '{name}'\n"})
        assert desk.captured() == {"src/a.py": (PLAIN, f"a = '{name}'\n".encode())}
        bring_home(open_repository(where.path), desk.place, commit(desk))


def test_in_folders_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / 'a "b"\nü'
    desk = Desk(folder)
    desk.agent.write({"src/a.py": "a = 2\n"})
    assert list(desk.captured()) == ["src/a.py"]
    bring_home(open_repository(desk.checkout.path), desk.place, commit(desk))


def test_in_a_repository_of_sha256(tmp_path: Path) -> None:
    desk = Desk.__new__(Desk)
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", "work")
    desk.folder, desk.checkout, desk.ran = tmp_path, Checkout(tmp_path / "work"), tmp_path / "ran"
    desk.start = desk.checkout.commit(FILES)
    desk.place = desk.open()
    desk.agent.write({"src/a.py": "a = 2\n"})
    assert list(desk.captured()) == ["src/a.py"]


def commit(desk: Desk) -> str:
    """Commit what was captured, as the runner does."""
    tree = desk.capture().tree
    return commit_tree(
        own_git(desk.place), tree, [desk.start], "Work", author=Commit("bot", "bot@example.org")
    )


def test_work_comes_home_whole(desk: Desk) -> None:
    desk.agent.write({"src/a.py": "a = 2\n", "src/deep/er/new.py": "n\n"})
    done = commit(desk)
    repo = open_repository(desk.checkout.path)
    bring_home(repo, desk.place, done)
    remove_workplace(repo, desk.place.root)
    assert not desk.place.root.exists()
    assert desk.checkout.git("diff", "--name-only", desk.start, done).splitlines() == [
        "src/a.py",
        "src/deep/er/new.py",
    ]
    desk.checkout.git("fsck", "--no-dangling", done)
    assert desk.checkout.git("for-each-ref", "refs/baton") == ""


# -- exactly the files -----------------------------------------------------------------------------------------


def test_every_kind_of_change(desk: Desk) -> None:
    agent = desk.agent
    agent.write(
        {
            "src/a.py": "a = 2\n",
            "src/b.py": None,
            "new/x.txt": "x\n",
            "debug.log": "l\n",
            "build/out.o": "o\n",
        }
    )
    (desk.place.work / "run.sh").chmod(0o755)
    (desk.place.work / "link").symlink_to("src/a.py")
    (desk.place.work / "empty").mkdir()
    assert desk.captured() == {
        "src/a.py": (PLAIN, b"a = 2\n"), "src/b.py": ("000000", None), "new/x.txt": (PLAIN, b"x\n"),
        "run.sh": ("100755", b"#!/bin/sh\n"), "link": ("120000", b"src/a.py"),
    }  # fmt: skip


def test_what_the_agent_committed_staged_or_stashed_makes_no_difference(desk: Desk) -> None:
    agent = desk.agent
    agent.commit({"src/a.py": "a = 2\n", "committed.txt": "c\n"})
    agent.write({"staged.txt": "s\n"})
    agent.git("add", "staged.txt")
    agent.git("checkout", "--quiet", "--orphan", "elsewhere")
    agent.git("rm", "--quiet", "--cached", "README.md")
    assert sorted(desk.captured()) == ["committed.txt", "src/a.py", "staged.txt"]


def test_files_and_folders_that_change_places(desk: Desk) -> None:
    agent = desk.agent
    agent.write({"README.md": None, "src/a.py": None, "src/b.py": None})
    (desk.place.work / "src").rmdir()
    agent.write({"README.md/inside.txt": "i\n", "src": "a file now\n"})
    assert desk.captured() == {
        "README.md": ("000000", None), "README.md/inside.txt": (PLAIN, b"i\n"), "src": (PLAIN, b"a file now\n"),
        "src/a.py": ("000000", None), "src/b.py": ("000000", None),
    }  # fmt: skip


def test_a_folder_that_became_a_link_leads_nowhere(desk: Desk) -> None:
    outside = desk.folder / "outside"
    outside.mkdir()
    (outside / "a.py").write_text("secret\n")
    (desk.place.work / "src").rename(desk.place.work / "moved")
    (desk.place.work / "src").symlink_to(outside)
    found = desk.captured()
    assert found["src"] == ("120000", str(outside).encode())
    assert found["src/a.py"] == ("000000", None)
    assert not any(data == b"secret\n" for _, data in found.values())


def test_pipes_sockets_and_devices_are_no_files(desk: Desk) -> None:
    (desk.place.work / "src/a.py").unlink()
    os.mkfifo(desk.place.work / "src/a.py")
    os.mkfifo(desk.place.work / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(desk.place.work, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{here}/socket")
        finally:
            os.close(here)
        desk.agent.write({"src/b.py": "b = 2\n"})
        assert desk.captured() == {"src/a.py": ("000000", None), "src/b.py": (PLAIN, b"b = 2\n")}


def test_files_that_were_made_unreadable(unprivileged: Path) -> None:
    desk = Desk(unprivileged)
    desk.agent.write({"src/a.py": "a = 2\n", "new.txt": "n\n"})
    for name in ("src/a.py", "new.txt"):
        (desk.place.work / name).chmod(0)
    assert desk.captured() == {"src/a.py": (PLAIN, b"a = 2\n"), "new.txt": (PLAIN, b"n\n")}


def test_names_of_any_kind(desk: Desk) -> None:
    names = {b"line\nbreak": "line\\nbreak", b"tab\there": "tab\\there", b"\xff\xfe": "\\xff\\xfe", "ü 日本".encode(): "ü 日本",
             b"-dash": "-dash", b"quote\"'": "quote\"'", b":(top)x": ":(top)x", b"star*?": "star*?", b"\x1b[2J": "\\x1b[2J",
             b"trail ": "trail "}  # fmt: skip
    for name in names:
        with open(os.path.join(os.fsencode(desk.place.work), name), "wb") as file:  # noqa: PTH118, PTH123 bytes
            file.write(b"x\n")
    found = desk.captured()
    assert set(found) == set(names.values())
    assert set(found.values()) == {(PLAIN, b"x\n")}
    assert all(name.isprintable() for name in found)


def test_names_that_git_refuses_are_named(desk: Desk) -> None:
    desk.agent.write({".GIT/config": "[core]\n", "git~1": "x\n", "src/a.py": "a = 2\n"})
    changes = desk.changes()
    assert {c.path: c.data for c in changes} == {".GIT/config": None, "git~1": None, "src/a.py": b"a = 2\n"}
    findings = judge_change(changes, paths=(), guards=Guards(), secrets={})
    assert sorted(f.path for f in findings) == [".GIT/config", "git~1"]


def test_huge_files_are_not_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with (desk.place.work / "sparse.img").open("wb") as file:
        file.truncate(1 << 40)  # takes no room, but reading it would take hours
    desk.agent.write({"big.bin": b"x" * 2000, "other.bin": b"y" * 900, "src/a.py": "a = 2\n"})
    changes = {c.path: (c.size, c.data) for c in desk.changes(file_max=1000)}
    assert changes == {
        "sparse.img": (1 << 40, None), "big.bin": (2000, None), "other.bin": (900, b"y" * 900), "src/a.py": (6, b"a = 2\n"),
    }  # fmt: skip
    changes = {c.path: (c.size, c.data) for c in desk.changes(total_max=905)}
    assert sum(data is None for _, data in changes.values()) == 4
    found = judge_change(desk.changes(), paths=(), guards=Guards(), secrets={})
    assert [f.path for f in found] == ["sparse.img", ""]
    monkeypatch.setattr(capture_module, "LARGEST_BYTES", 100)
    assert desk.changes()[-1].path in ("big.bin", "other.bin", "sparse.img")


def test_ignore_lists_of_the_machine_don_t_count(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    home = desk.folder / "person"
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/ignore").write_text("*.txt\n")
    (home / ".config/git/attributes").write_text("*.txt text eol=crlf\n")
    monkeypatch.setenv("HOME", str(home))
    desk.agent.write({"new.txt": "n\r\n"})
    (desk.place.work / ".git/info").mkdir(exist_ok=True)
    (desk.place.work / ".git/info/exclude").write_text("*.txt\n")
    assert desk.captured() == {"new.txt": (PLAIN, b"n\r\n")}


# -- nothing of the agent's runs -----------------------------------------------------------------------------------


def test_nothing_planted_in_the_clones_git_runs(desk: Desk) -> None:
    agent = desk.agent
    for n, name in enumerate(("core.fsmonitor", "core.sshCommand", "diff.x.textconv", "core.alternateRefsCommand", "gpg.program",
                              "core.editor", "core.pager", "uploadpack.packObjectsHook", "credential.helper")):  # fmt: skip
        agent.git("config", name, desk.plant(f"planted/config{n}"))
    for kind in ("clean", "smudge", "process"):
        agent.git("config", f"filter.x.{kind}", desk.plant(f"planted/filter-{kind}"))
    agent.git("config", "filter.x.required", "true")
    agent.git("config", "merge.x.driver", desk.plant("planted/merge"))
    agent.git("config", "include.path", str(desk.place.work / "more.config"))
    for name in ("pre-commit", "post-index-change", "reference-transaction", "pre-auto-gc", "post-checkout"):
        desk.plant(f"work/.git/hooks/{name}")
    agent.write({
        ".gitattributes": "* filter=x diff=x merge=x\n", "src/a.py": "a = 2\n",
        "more.config": "[core]\n\tfsmonitor = true\n\thooksPath = .git/hooks\n",
    })  # fmt: skip
    (desk.place.work / ".git/objects/info/alternates").write_text(str(desk.folder))
    found = desk.captured()
    assert found["src/a.py"] == (PLAIN, b"a = 2\n")
    bring_home(open_repository(desk.checkout.path), desk.place, commit(desk))
    assert not desk.ran.exists()
    try_git(desk.place.work, "status")
    assert "planted/" in desk.ran.read_text(), "the traps are set: git in the clone would have run them"


@pytest.mark.parametrize("how", ["gone", "file", "elsewhere", "link", "bare"])
def test_a_git_folder_that_was_replaced_makes_no_difference(desk: Desk, how: str) -> None:
    real = desk.place.work / ".git"
    real.rename(desk.place.root / "moved.git")
    (desk.place.root / "moved.git/config").write_text(
        f"[core]\n\tfsmonitor = {desk.plant('planted/monitor')}\n"
    )
    if how == "file":
        real.write_text(f"gitdir: {desk.place.root}/moved.git\n")
    elif how == "elsewhere":
        real.write_text(f"gitdir: {desk.checkout.path}/.git\n")
    elif how == "link":
        real.symlink_to(desk.checkout.path / ".git")
    elif how == "bare":
        git(desk.place.work, "init", "--quiet", "--bare", ".git")
    desk.agent.write({"src/a.py": "a = 2\n"})
    before = git(desk.checkout.path, "status", "--porcelain")
    assert desk.captured() == {"src/a.py": (PLAIN, b"a = 2\n")}
    assert not desk.ran.exists()
    assert git(desk.checkout.path, "status", "--porcelain") == before == ""


def test_a_git_dir_that_was_laid_out_for_the_runner_is_not_used(desk: Desk) -> None:
    """The agent can guess where the runner's own git dir will stand."""
    git(desk.place.root, "init", "--quiet", "--bare", str(desk.place.own))
    desk.plant("own.git/hooks/post-index-change")
    with (desk.place.own / "config").open("a") as config:
        config.write(
            f'[filter "x"]\n\tclean = {desk.plant("planted/clean")}\n[core]\n\tfsmonitor = {desk.plant("planted/monitor")}\n'
        )
    desk.agent.write({".gitattributes": "* filter=x\n", "src/a.py": "a = 2\n"})
    assert desk.captured()["src/a.py"] == (PLAIN, b"a = 2\n")
    assert not desk.ran.exists()
    desk.place.own.rename(desk.place.root / "away")
    desk.place.own.symlink_to(desk.checkout.path / ".git")
    head = desk.checkout.head()
    assert "src/a.py" in desk.captured()
    assert (desk.checkout.head(), desk.checkout.status()) == (head, "")


@pytest.mark.parametrize("committed", [True, False])
def test_a_repository_inside_counts_with_its_files(desk: Desk, *, committed: bool) -> None:
    """As project generators make them. Git would take it for a submodule, and lose its files."""
    for name in ("app", "app/inner", "src"):
        inner = desk.place.work / name
        inner.mkdir(exist_ok=True)
        git(inner, "init", "--quiet")
        git(inner, "config", "core.fsmonitor", desk.plant(f"planted/{name.replace('/', '-')}"))
        (inner / "made.py").write_text("m = 1\n")
        (inner / ".gitignore").write_text("node_modules/\n")
        (inner / "node_modules").mkdir()
        (inner / "node_modules/x.js").write_text("x\n")
        if committed:
            try_git(inner, "add", "made.py")
            try_git(inner, "commit", "--quiet", "-m", "Made")
    desk.ran.unlink(missing_ok=True)
    expected = [f"{n}/{f}" for n in ("app", "app/inner", "src") for f in (".gitignore", "made.py")]
    assert sorted(desk.captured()) == sorted(expected)
    assert not desk.ran.exists()


def test_a_submodule_stays_what_it_was(tmp_path: Path) -> None:
    inner = make_repository(tmp_path, {"lib.py": "l = 1\n"}, name="inner")
    desk = Desk(tmp_path)
    desk.checkout.git("submodule", "--quiet", "add", str(inner.path), "lib")
    desk.start = desk.checkout.commit()
    desk.place = desk.open()
    assert list((desk.place.work / "lib").iterdir()) == []
    assert desk.captured() == {}
    desk.agent.git("submodule", "--quiet", "update", "--init")
    git(desk.place.work / "lib", "config", "core.fsmonitor", desk.plant("planted/monitor"))
    (desk.place.work / "lib/lib.py").write_text("l = 2\n")
    git(desk.place.work / "lib", "-c", "core.fsmonitor=false", "commit", "--quiet", "-am", "Two")
    assert desk.captured() == {}
    assert not desk.ran.exists()
    (desk.place.work / "lib/lib.py").unlink()
    (desk.place.work / "lib/.git").unlink()
    (desk.place.work / "lib").rmdir()
    (deleted,) = desk.changes()
    assert (deleted.path, deleted.mode, deleted.old_mode) == ("lib", "000000", "160000")
    assert judge_change([deleted], paths=(), guards=Guards(), secrets={})


@pytest.mark.parametrize("how", ["gone", "link"])
def test_a_folder_that_is_gone_is_said(desk: Desk, how: str) -> None:
    desk.place.work.rename(desk.place.root / "moved")
    if how == "link":
        desk.place.work.symlink_to("/etc")
    with pytest.raises(Refusal) as refused:
        desk.capture()
    assert refused.value.code == "workplace-gone"


# -- around it -------------------------------------------------------------------------------------------------


def test_cleaning_up_during_an_attempt_loses_nothing(desk: Desk) -> None:
    """The branch that the attempt began on is forced away and the repository packed without mercy."""
    checkout = desk.checkout
    checkout.git("checkout", "--quiet", "-b", "side")
    desk.start = checkout.commit({"src/only-here.py": "x\n"})
    desk.place = desk.open()
    checkout.git("checkout", "--quiet", "main")
    checkout.git("branch", "--delete", "--force", "side")
    checkout.git("reflog", "expire", "--expire=now", "--all")
    checkout.git("gc", "--quiet", "--prune=now")
    desk.agent.write({"src/a.py": "a = 2\n"})
    assert desk.captured() == {"src/a.py": (PLAIN, b"a = 2\n")}
    repo = open_repository(checkout.path)
    done = commit(desk)
    bring_home(repo, desk.place, done)
    assert checkout.git("rev-parse", f"{done}^") == desk.start


def test_what_attempts_held_is_let_go_of(desk: Desk) -> None:
    assert len(desk.checkout.git("for-each-ref", "refs/baton/started").splitlines()) == 1
    repo = open_repository(desk.checkout.path)
    second = desk.open()
    remove_workplace(repo, desk.place.root)
    assert (
        desk.checkout.git("for-each-ref", "--format=%(refname)", "refs/baton")
        == f"refs/baton/started/{second.root.name}"
    )
    subprocess.run(["rm", "-rf", second.root], check=True)  # a runner that was killed
    (desk.folder / "cache/unrelated").mkdir()
    third = desk.open()
    assert (
        desk.checkout.git("for-each-ref", "--format=%(refname)", "refs/baton")
        == f"refs/baton/started/{third.root.name}"
    )


def test_folders_made_read_only_go_too(unprivileged: Path) -> None:
    desk = Desk(unprivileged)
    cache = desk.place.home / "go/pkg"
    cache.mkdir(parents=True)
    (cache / "x").write_text("x")
    for folder in (cache, cache.parent):
        folder.chmod(0o555)
    remove_workplace(open_repository(desk.checkout.path), desk.place.root)
    assert not desk.place.root.exists()


def test_the_environment_is_an_allow_list(desk: Desk) -> None:
    inherited = {"PATH": "/bin", "GITHUB_TOKEN": "t", "SSH_AUTH_SOCK": "s", "MY_KEY": "k", "HOME": "/home/tess", "GIT_DIR": "/x",
                 "GIT_CONFIG_GLOBAL": "/c", "LANG": "de_DE.UTF-8"}  # fmt: skip
    env = build_environment(inherited, ("MY_KEY",), desk.place, ("Bot", "bot@example.org"))
    assert env == {
        "PATH": "/bin", "LANG": "de_DE.UTF-8", "MY_KEY": "k", "HOME": str(desk.place.home), "TERM": "dumb", "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_EDITOR": "false", "GIT_PAGER": "cat", "PAGER": "cat", "GIT_AUTHOR_NAME": "Bot",
        "GIT_AUTHOR_EMAIL": "bot@example.org", "GIT_COMMITTER_NAME": "Bot", "GIT_COMMITTER_EMAIL": "bot@example.org",
    }  # fmt: skip


def test_ten_thousand_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files: dict[str, str | bytes | None] = {f"src/{n % 100}/{n}.py": f"x = {n}\n" for n in range(10_000)}
    desk = Desk(tmp_path, files)
    desk.agent.write({"src/1/1.py": "x = -1\n", "src/new.py": "n\n"})
    begin = time.monotonic()
    assert sorted(desk.captured()) == ["src/1/1.py", "src/new.py"]
    with capsys.disabled():
        print(f"\n10,000 files captured in {time.monotonic() - begin:.1f} s", file=sys.stderr)  # noqa: T201 a figure for whoever looks


def test_the_hermetic_environment_reaches_the_clone() -> None:
    assert git_environment()["GIT_CONFIG_COUNT"] != "0", "so that what is sealed is seen to be"
