"""The main journey through the command line in repositories as people have them: set up, write tasks, look, let an
agent work, accept, archive. What can't be supported says so in one sentence.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.cli import Baton
from support.hermetic_git import git
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONFIG = """\
base: main
agent: script
agents:
  script: {adapter: command, command: [sh, -c, "echo one > out.txt; cat README.md > seen.txt || echo none > seen.txt"]}
checks:
  - {name: there, run: test -s out.txt && test -s seen.txt}
"""
FILES: dict[str, str | bytes | None] = {
    "README.md": "# Trial\n",
    "tasks/config.yaml": CONFIG,
    "src/deep/x.py": "x = 1\n",
}
#: For checkouts that are not on the base branch.
BASE = ("--base",)


def start(folder: Path, name: str = "first", files: Mapping[str, str | bytes | None] = FILES) -> Checkout:
    return make_repository(folder, dict(files), remote=True, name=name)


def clone(first: Checkout, *arguments: str, name: str = "work") -> Checkout:
    where = first.path.parent / name
    assert first.remote
    git(first.path.parent, "clone", "--quiet", *arguments, first.remote.as_uri(), str(where))
    return Checkout(where, first.remote)


# -- kinds of repositories: where the journey begins, and the options it needs there -----------------------------


def plain(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    return clone(start(folder)), ()


def no_remote(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    return make_repository(folder, FILES), ()


def unborn_branch(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    made = make_repository(folder)
    made.write(FILES)
    return made, ()


def linked_worktree(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    """Base is checked out in it, and something else in the main one."""
    first = clone(start(folder), name="main")
    first.git("switch", "--quiet", "-c", "other")
    first.git("worktree", "add", "--quiet", "../work", "main")
    return Checkout(folder / "work", first.remote), ()


def linked_worktree_off_base(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    first = clone(start(folder), name="main")
    first.git("worktree", "add", "--quiet", "-b", "side", "../work")
    return Checkout(folder / "work", first.remote), BASE


def worktree_of_a_bare_clone(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    first = start(folder)
    assert first.remote
    git(folder, "clone", "--quiet", "--bare", first.remote.as_uri(), "own.git")
    own = Checkout(folder / "own.git")
    own.git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    own.git("fetch", "--quiet", "origin")
    own.git("worktree", "add", "--quiet", "../work", "main")
    return Checkout(folder / "work", first.remote), ()


def separate_git_dir(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    return clone(start(folder), f"--separate-git-dir={folder / 'apart'}"), ()


def shallow_clone(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    first = start(folder)
    for n in range(3):
        first.commit({"README.md": f"# Trial {n}\n"}, push=True)
    return clone(first, "--depth=1"), ()


def single_branch_clone(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    """Of another branch than base."""
    first = start(folder)
    first.git("push", "--quiet", "origin", "main:side")
    return clone(first, "--single-branch", "--branch=side"), BASE


def detached_head(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    made = clone(start(folder))
    made.git("checkout", "--quiet", "--detach")
    return made, BASE


def with_submodules(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    inner = make_repository(folder, {"lib.py": "l = 1\n"}, name="lib")
    first = start(folder)
    first.git("submodule", "--quiet", "add", inner.path.as_uri(), "vendor/lib")
    first.commit({}, push=True)
    made = clone(first, "--recurse-submodules")
    made.git("config", "submodule.recurse", "true")
    return made, ()


def a_submodule(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    first = start(folder)
    assert first.remote
    outer = make_repository(folder, {"README.md": "outer\n"}, name="outer")
    outer.git("submodule", "--quiet", "add", first.remote.as_uri(), "parts/work")
    outer.commit({})
    return Checkout(outer.path / "parts/work", first.remote), ()


def autocrlf(value: str) -> Callable[[Path], tuple[Checkout, tuple[str, ...]]]:
    return lambda folder: (clone(start(folder), f"--config=core.autocrlf={value}"), ())


def eol_attributes(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    return clone(start(folder, files={**FILES, ".gitattributes": "* text=auto eol=crlf\n"})), ()


def odd_path(name: str) -> Callable[[Path], tuple[Checkout, tuple[str, ...]]]:
    def make(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
        (folder / name).mkdir()
        return clone(start(folder), name=f"{name}/work {name}"), ()

    return make


def several_remotes(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    made = clone(start(folder), "--origin=shared")
    made.git("remote", "add", "fork", start(folder, "fork").path.as_uri())
    assert Baton(made.path, folder / "home").json("list")["broken"] == [], "looking goes on"
    refused = Baton(made.path, folder / "home")("claim", "--json", code=1)
    assert "several remotes (fork, shared)" in refused.error["message"]
    assert "git config baton.remote" in (refused.error["hint"] or "")
    made.git("config", "baton.remote", "shared")
    return made, ()


def sparse(*words: str) -> Callable[[Path], tuple[Checkout, tuple[str, ...]]]:
    def make(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
        made = clone(start(folder))
        made.git("sparse-checkout", "set", *words)
        return made, ()

    return make


def partial_clone(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    first = start(folder)
    assert first.remote
    git(first.remote, "config", "uploadpack.allowFilter", "true")
    git(first.remote, "config", "uploadpack.allowAnySHA1InWant", "true")
    return clone(first, "--filter=blob:none"), ()


def hooks(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    """A hooks folder whose every hook fails: our own reads and writes run none."""
    made = clone(start(folder))
    (folder / "hooks").mkdir()
    for name in (
        "pre-commit",
        "commit-msg",
        "post-checkout",
        "pre-push",
        "reference-transaction",
        "post-index-change",
    ):
        hook = folder / "hooks" / name
        hook.write_text(f"#!/bin/sh\necho {name} >> '{folder}/ran'\nexit 1\n")
        hook.chmod(0o755)
    made.git("config", "core.hooksPath", str(folder / "hooks"))
    count = int(made.env["GIT_CONFIG_COUNT"])  # git as the test runs it runs none
    mine = {f"GIT_CONFIG_KEY_{count}": "core.hooksPath", f"GIT_CONFIG_VALUE_{count}": "/dev/null"}
    return replace(made, env={**made.env, **mine, "GIT_CONFIG_COUNT": str(count + 1)}), ()


def alternates(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    first = start(folder)
    return clone(first, "--reference", str(first.path)), ()


def many_refs(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    first = start(folder)
    assert first.remote
    head = first.head()
    lines = [f"create refs/heads/feature/{n:05} {head}\n" for n in range(5000)]
    lines += [f"create refs/tags/v{n} {head}\n" for n in range(5000)]
    git(first.remote, "update-ref", "--stdin", stdin="".join(lines))
    git(first.remote, "pack-refs", "--all")
    return clone(first), ()


def fetches_everything(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    """A clone that prunes, and fetches all branches and our own refs with every plain ``git fetch``."""
    made = clone(start(folder), "--config=fetch.prune=true")
    made.git("config", "--add", "remote.origin.fetch", "+refs/baton/*:refs/baton/*")
    return made, ()


def settings_in_the_way(folder: Path) -> tuple[Checkout, tuple[str, ...]]:
    """Settings that change what git's commands do or print."""
    made = clone(start(folder))
    for name, value in {
        "core.quotePath": "false", "diff.noprefix": "true", "log.showSignature": "true", "status.short": "true", "push.default": "nothing",
        "color.ui": "always", "core.ignoreCase": "true", "core.precomposeUnicode": "true", "merge.ff": "only", "pull.rebase": "true",
        "status.showUntrackedFiles": "no", "diff.renames": "copies", "fetch.recurseSubmodules": "true", "log.date": "relative",
        "core.untrackedCache": "true", "index.version": "4", "core.splitIndex": "true", "format.pretty": "oneline", "grep.lineNumber": "true",
    }.items():  # fmt: skip
        made.git("config", name, value)
    return made, ()


KINDS: dict[str, Callable[[Path], tuple[Checkout, tuple[str, ...]]]] = {
    "plain clone": plain,
    "no remote": no_remote,
    "unborn branch": unborn_branch,
    "linked worktree": linked_worktree,
    "linked worktree off base": linked_worktree_off_base,
    "worktree of a bare clone": worktree_of_a_bare_clone,
    "separate git dir": separate_git_dir,
    "shallow clone": shallow_clone,
    "single-branch clone": single_branch_clone,
    "detached HEAD": detached_head,
    "with submodules": with_submodules,
    "a submodule itself": a_submodule,
    "core.autocrlf=true": autocrlf("true"),
    "core.autocrlf=input": autocrlf("input"),
    ".gitattributes eol=crlf": eol_attributes,
    "spaces and quotes in the path": odd_path('it\'s a "test" $HOME'),
    "a line break in the path": odd_path("two\nlines"),
    "non-ASCII letters in the path": odd_path("Prüfung-日本-🙂"),
    "bytes that are no text in the path": odd_path(os.fsdecode(b"caf\xe9")),
    "several remotes": several_remotes,
    "sparse checkout (cone) with tasks": sparse("--cone", "tasks"),
    "sparse checkout (cone) without tasks": sparse("--cone", "src"),
    "sparse checkout (patterns)": sparse("--no-cone", "/*", "!/src/"),
    "sparse index": sparse("--cone", "--sparse-index", "src"),
    "partial clone": partial_clone,
    "core.hooksPath": hooks,
    "alternates": alternates,
    "10,000 refs": many_refs,
    "refspecs and pruning of one's own": fetches_everything,
    "settings that change git's output": settings_in_the_way,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_journey(kind: str, tmp_path: Path) -> None:
    place, where = KINDS[kind](tmp_path)
    before = photograph(place)
    baton = Baton(place.path, tmp_path / "home")
    on_base = not where
    if on_base:
        baton("init", "--yes")
        if kind == "unborn branch":
            place.commit()
        place.write({"mine.txt": "mine\n"})
        if place.remote:
            place.git("push", "--quiet", remote_of(place), "HEAD:main")
    push = ("--push",) if place.remote and on_base else where
    baton("add", "Do it", "--id", "do", "--path", "*.txt", *push)
    baton("set", "do", "priority=high", "labels+=x", *push)
    assert baton.json("next")["task"]["id"] == "do"
    listed = baton.json("list")
    assert [(t["id"], t["state"], t["priority"]) for t in listed["tasks"]] == [("do", "ready", "high")]
    ran = baton.json("run")
    assert (ran["outcome"], ran["verified"]) == ("succeeded", True), ran
    assert baton.json("accept", "do")["task"]["state"] == "done"
    assert baton.json("next", code=3)["task"] is None
    if on_base:
        if place.remote:
            place.git("pull", "--quiet", "--ff-only", remote_of(place), "main")
        assert place.git("show", "HEAD:out.txt", "HEAD:seen.txt").splitlines()[0] == "one"
        assert baton.json("archive", "--all")["moved"][0]["id"] == "do"
        clean = ["?? mine.txt"]
        shown = place.git("-c", "status.short=false", "-c", "color.ui=false", "-c", "status.showUntrackedFiles=all", "status", "--porcelain").splitlines()  # fmt: skip
        assert shown == clean, "nothing of ours is left uncommitted, nothing of yours was taken"
    assert place.try_git("fsck", "--no-dangling", "--connectivity-only").returncode == 0
    still_as_it_was(place, before, tmp_path)


def remote_of(place: Checkout) -> str:
    return "shared" if "shared" in place.git("remote") else "origin"


def photograph(place: Checkout) -> dict[str, str | None]:
    """What the journey must not change."""

    def ask(*words: str) -> str | None:
        done = place.try_git(*words)
        return done.stdout if done.returncode == 0 else None

    return {
        "shallow": ask("rev-parse", "--is-shallow-repository"),
        "depth": ask("rev-list", "--count", "HEAD") if ask("rev-parse", "--is-shallow-repository") == "true\n" else None,
        "head": ask("symbolic-ref", "--quiet", "HEAD"),
        "sparse": ask("sparse-checkout", "list"),
        "filter": ask("config", "remote.origin.partialclonefilter"),
        "fetch": ask("config", "--get-all", "remote.origin.fetch"),
        "submodules": ask("submodule", "status"),
        "tags": str(len((ask("tag") or "").splitlines())),
        "FETCH_HEAD": str((place.path / ".git/FETCH_HEAD").exists()),
    }  # fmt: skip


def still_as_it_was(place: Checkout, before: dict[str, str | None], folder: Path) -> None:
    after = photograph(place)
    for name in ("shallow", "head", "sparse", "filter", "fetch", "submodules", "tags"):
        assert after[name] == before[name], name
    if before["depth"]:
        boundary = (place.path / ".git/shallow").read_text().split()
        oldest = place.git("rev-list", "--max-parents=0", "HEAD").split()
        assert boundary == oldest, "neither deeper nor shallower: history ends where the clone's did"
        assert place.try_git("cat-file", "-e", f"{boundary[0]}^").returncode != 0
    assert not (folder / "ran").exists(), "no hook ran"


# -- what can't be changed, or can't be supported -----------------------------------------------------------------


def test_a_read_only_checkout(tmp_path: Path) -> None:
    """Looking works; editing and claiming refuse in a sentence."""
    place = make_repository(tmp_path, {**FILES, "tasks/do.yaml": "title: Do\n"})
    without_privilege: tuple[str, ...] = ()
    if os.geteuid() == 0:  # permissions don't apply to root, unless it gives that up
        if not shutil.which("setpriv"):
            pytest.skip("needs setpriv (util-linux) to run without root's privileges")
        without_privilege = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
    frozen = [place.path, *place.path.rglob("*")]
    try:
        for path in frozen:
            path.chmod(path.stat().st_mode & ~0o222)
        baton = Baton(place.path, tmp_path / "home", prefix=without_privilege)
        assert baton.json("next")["task"]["id"] == "do"
        assert [t["id"] for t in baton.json("list")["tasks"]] == ["do"]
        assert baton.json("show", "do")["task"]["title"] == "Do"
        assert baton("validate").code == 0
        for words in (["add", "More"], ["set", "do", "priority=high"], ["claim"], ["run"], ["init", "--yes"]):
            said = baton(*words, "--json", code=1)
            assert said.error["code"] == "not-writable", words
        assert baton.try_run("doctor", "--json").code in (0, 1)
    finally:
        for path in frozen:
            path.chmod(path.stat().st_mode | 0o200)


def test_without_an_identity(tmp_path: Path) -> None:
    place = make_repository(tmp_path, {**FILES, "tasks/do.yaml": "title: Do\n"})
    nobody = {
        "GIT_AUTHOR_NAME": "",
        "GIT_AUTHOR_EMAIL": "",
        "GIT_COMMITTER_NAME": "",
        "GIT_COMMITTER_EMAIL": "",
    }
    baton = Baton(place.path, tmp_path / "home", nobody)
    assert baton.json("next")["task"]["id"] == "do"
    said = baton("add", "More", "--json", code=1).error
    assert (said["code"], said["hint"]) == ("no-identity", 'git config --global user.name "Your Name" && git config --global user.email you@example.org')  # fmt: skip
    assert place.status() == ""
    assert baton.json("claim")["task"]["state"] == "in_progress", "live state needs none"


def test_a_bare_repository(tmp_path: Path) -> None:
    first = start(tmp_path)
    assert first.remote
    baton = Baton(first.remote, tmp_path / "home")
    for words in (["list"], ["add", "More"], ["claim"]):
        said = baton(*words, "--json", code=1).error
        assert (said["code"], said["message"], said["hint"]) == ("bare-repository", "this is a bare repository", "run baton in a clone of it")  # fmt: skip


def test_inside_a_git_dir(tmp_path: Path) -> None:
    place = make_repository(tmp_path, FILES)
    said = Baton(place.path / ".git", tmp_path / "home")("list", "--json", code=1).error
    assert (said["code"], said["message"]) == ("no-repository", "this is the inside of a .git folder")


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    place = Checkout(tmp_path / "work")
    place.git("init", "--quiet", "--object-format=sha256")
    place.commit({**FILES, "tasks/do.yaml": "title: Do\n"})
    baton = Baton(place.path, tmp_path / "home")
    baton("set", "do", "priority=high")
    assert baton.json("run")["outcome"] == "succeeded"
    assert baton.json("accept", "do")["task"]["state"] == "done"


def test_reftable(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    place = Checkout(tmp_path / "work")
    if place.try_git("init", "--quiet", "--ref-format=reftable").returncode:
        pytest.skip("this git knows no reftable")
    place.commit({**FILES, "tasks/do.yaml": "title: Do\n"})
    baton = Baton(place.path, tmp_path / "home")
    baton("set", "do", "priority=high")
    assert baton.json("run")["outcome"] == "succeeded"
    assert baton.json("accept", "do")["task"]["state"] == "done"


def test_a_remote_that_hides_our_refs(tmp_path: Path) -> None:
    """A server that takes branches alone: the refusal names the setting that helps, and that one helps."""
    first = start(tmp_path, files={**FILES, "tasks/do.yaml": "title: Do\n"})
    assert first.remote
    git(first.remote, "config", "receive.hideRefs", "refs/baton")
    baton = Baton(first.path, tmp_path / "home")
    said = baton("claim", "--json", code=1).error
    assert (said["code"], said["hint"]) == ("namespace-refused", "set namespace: refs/heads/baton-state in tasks/config.yaml")  # fmt: skip
    first.commit({"tasks/config.yaml": CONFIG + "namespace: refs/heads/baton-state\n"}, push=True)
    assert baton.json("claim")["task"]["state"] == "in_progress"


def test_looking_is_quick_with_ten_thousand_refs(tmp_path: Path) -> None:
    """Beside the same clone with few refs, pair by pair: what we ask never lists all of them."""
    (tmp_path / "many").mkdir()
    few, many = clone(start(tmp_path)), many_refs(tmp_path / "many")[0]
    ratios = []
    for _ in range(5):
        times = []
        for place in (few, many):
            baton = Baton(place.path, tmp_path / "home")
            begin = time.monotonic()
            baton("list")
            times.append(time.monotonic() - begin)
        ratios.append(times[1] / times[0])
    assert sorted(ratios)[2] < 2, ratios


def test_the_page_names_every_kind() -> None:
    page = Path(__file__).parents[2] / "docs/reference/repositories.md"
    first = page.read_text().split("These have tests")[0]
    rows = [line.split(" | ") for line in first.splitlines() if line.startswith("| ")][2:]
    assert {row[0].removeprefix("| "): row[1] for row in rows} == dict.fromkeys(KINDS, "yes")
