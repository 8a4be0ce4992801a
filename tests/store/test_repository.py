"""Where a repository is, which remote is shared, which branch is base, and where the config is read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store import git as git_module
from gitbaton.store.configfile import ConfigFacts
from gitbaton.store.repository import Base, Repository, open_repository, require_config
from gitbaton.store.stamp import read_head
from support.hermetic_git import create_bare, git
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "tasks/config.yaml"


def look(work: Checkout | Path) -> Repository:
    return open_repository(work.path if isinstance(work, Checkout) else work)


def refuse(folder: Path) -> Refusal:
    with pytest.raises(Refusal) as refused:
        open_repository(folder)
    return refused.value


def tracked(work: Checkout, branch: str, remote: str = "origin") -> Base:
    """The base where it is a remote's branch."""
    return Base(branch, f"refs/remotes/{remote}/{branch}", work.git("rev-parse", f"{remote}/{branch}"))


# -- where -----------------------------------------------------------------------------------------------------


def test_from_any_folder_inside(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"a/b/c.txt": "c\n"})
    for folder in ("", "a", "a/b"):
        repo = look(work.path / folder)
        assert (repo.top, repo.git_dir, repo.common_dir) == (
            work.path,
            work.path / ".git",
            work.path / ".git",
        )


@pytest.mark.parametrize("name", ["a b", "ü 日本", "line\nbreak", "tab\there", "-dash", "trailing "])
def test_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    work = make_repository(tmp_path, {"sub/x.txt": "x\n", CONFIG: "prefix: p/\n"}, name=name)
    repo = look(work.path / "sub")
    assert (repo.top, repo.common_dir, repo.config.prefix) == (work.path, work.path / ".git", "p/")


def test_in_a_folder_whose_name_is_no_utf8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"latin-\xe9")
    git(tmp_path, "init", "--quiet", str(folder))
    assert look(folder).top == folder


def test_in_a_linked_worktree_and_one_of_a_bare_repository(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"})
    work.git("worktree", "add", "--quiet", "-b", "side", "../side")
    repo = look(tmp_path / "side")
    assert (repo.top, repo.common_dir) == (tmp_path / "side", work.path / ".git")
    assert repo.git_dir == work.path / ".git/worktrees/side"
    git(tmp_path, "clone", "--quiet", "--bare", str(work.path), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "--quiet", "../tree", "main")
    assert look(tmp_path / "tree").common_dir == tmp_path / "bare.git"


def test_in_a_submodule(tmp_path: Path) -> None:
    inner = make_repository(
        tmp_path, {"tasks/a.yaml": "title: A\n", CONFIG: "prefix: inner/\n"}, name="inner"
    )
    outer = make_repository(tmp_path, {CONFIG: "prefix: outer/\n"}, name="outer")
    outer.git("submodule", "--quiet", "add", str(inner.path), "sub")
    repo = look(outer.path / "sub")
    assert (repo.top, repo.config.prefix) == (outer.path / "sub", "inner/")
    assert repo.common_dir == outer.path / ".git/modules/sub"


def test_in_what_is_no_checkout(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"})
    create_bare(tmp_path / "bare.git")
    (tmp_path / "plain").mkdir()
    assert refuse(tmp_path / "plain").code == "no-repository"
    assert refuse(tmp_path / "bare.git").code == "bare-repository"
    assert (refuse(work.path / ".git").code, refuse(work.path / ".git").hint) == (
        "no-repository", "change to the repository's own files",
    )  # fmt: skip
    assert refuse(tmp_path / "gone").code == "no-directory"


def test_variables_of_git_don_t_lead_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n", CONFIG: "prefix: mine/\n"})
    other = make_repository(tmp_path, {CONFIG: "prefix: other/\n"}, name="other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_COMMON_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / ".git/objects"))
    monkeypatch.setenv("GIT_CONFIG", str(other.path / ".git/config"))
    monkeypatch.setenv("GIT_TRACE", "2")
    repo = look(work)
    assert (repo.top, repo.config.prefix) == (work.path, "mine/")


def test_limits_of_the_search_are_a_persons_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = make_repository(tmp_path, {"a/x.txt": "x\n"})
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(work.path))
    assert refuse(work.path / "a").code == "no-repository"


def test_an_old_git_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"})
    monkeypatch.setattr(git_module, "MINIMUM", (99, 0))
    assert refuse(work.path).code == "old-git"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refuse(work.path).code == "no-git"


# -- the remote ------------------------------------------------------------------------------------------------


def test_the_shared_remote(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"})
    assert look(work).remote is None
    work.git("remote", "add", "upstream", "../nowhere")
    assert look(work).remote == "upstream", "the only one"
    work.git("remote", "add", "origin", "../nowhere")
    assert look(work).remote == "origin"
    work.commit({CONFIG: "remote: upstream\n"})
    work.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert look(work).remote == "upstream", "as the config says"
    work.git("config", "baton.remote", "origin")
    assert look(work).remote == "origin", "as this clone says: its names are its own"
    assert look(work).config_problems == ()


def test_remotes_that_nobody_chose_among(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"})
    for name in ("mine", "theirs"):
        work.git("remote", "add", name, "../nowhere")
    repo = look(work)
    assert repo.remote is None
    with pytest.raises(InvalidDocument, match="several remotes \\(mine, theirs\\)"):
        require_config(repo)


def test_a_remote_that_this_clone_lacks(tmp_path: Path) -> None:
    """State must not go to a fork only because it is called origin here."""
    work = make_repository(tmp_path, {CONFIG: "remote: upstream\n"}, remote=True)
    with pytest.raises(InvalidDocument) as refused:
        require_config(look(work))
    (problem,) = refused.value.problems
    assert (problem.path, problem.field) == (CONFIG, "remote")
    assert "no remote 'upstream'" in problem.message
    assert "git config baton.remote" in problem.message


# -- the base branch -------------------------------------------------------------------------------------------


def test_base_of_a_clone_is_the_remotes_head(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"}, remote=True)
    work.git("push", "--quiet", "origin", "main:trunk")
    assert work.remote
    git(work.remote, "symbolic-ref", "HEAD", "refs/heads/trunk")
    clone = work.clone("clone")
    assert look(clone).base == tracked(clone, "trunk")
    clone.git("checkout", "--quiet", "-b", "side")
    assert look(clone).base == tracked(clone, "trunk")


def test_base_without_a_remote_head_is_main_or_master_there(tmp_path: Path) -> None:
    """As after ``git remote add`` and ``git fetch``, or in a CI checkout."""
    work = make_repository(tmp_path, {"x.txt": "x\n"}, remote=True)
    work.git("symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    work.git("checkout", "--quiet", "--detach")
    assert look(work).base == tracked(work, "main")
    assert work.remote
    git(work.remote, "config", "receive.denyDeleteCurrent", "ignore")
    work.git("push", "--quiet", "origin", "main:master", ":main")
    work.git("fetch", "--quiet", "--prune")
    assert look(work).base == tracked(work, "master")


def test_base_is_what_is_configured(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {CONFIG: "base: develop\n"}, remote=True)
    work.git("push", "--quiet", "origin", "main:develop", "main:stable")
    work.git("fetch", "--quiet")
    assert look(work).base == tracked(work, "develop")
    work.git("config", "baton.base", "stable")
    assert look(work).base == tracked(work, "stable")


def test_the_config_is_read_from_the_base_that_it_names(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {CONFIG: "base: develop\nprefix: old/\n"}, remote=True)
    work.git("checkout", "--quiet", "-b", "develop")
    work.commit({CONFIG: "base: develop\nprefix: new/\n"}, push=True)
    work.git("checkout", "--quiet", "main")
    repo = look(work)
    assert (repo.base, repo.config.prefix) == (tracked(work, "develop"), "new/")


def test_base_without_a_remote_is_what_is_checked_out(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"})
    assert look(work).base == Base("main", "refs/heads/main", work.head())
    work.git("checkout", "--quiet", "-b", "side")
    assert look(work).base.branch == "side"
    work.git("config", "baton.base", "main")
    assert look(work).base.branch == "main", "as init records it"


def test_what_was_never_pushed_is_not_on_base(tmp_path: Path) -> None:
    work = make_repository(tmp_path, remote=True)
    assert look(work).base == Base("main", "refs/remotes/origin/main", None), "an empty remote"
    work.commit({"x.txt": "x\n"})
    assert look(work).base.commit is None
    work.git("push", "--quiet", "origin", "main")
    assert look(work).base == tracked(work, "main")


def test_a_base_that_does_not_exist(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {CONFIG: "base: nowhere\nprefix: p/\n"}, remote=True)
    repo = look(work)
    assert repo.base == Base("nowhere", "refs/remotes/origin/nowhere", None)
    assert repo.config.prefix == "p/", "the working tree's, while base has none"


def test_before_the_first_commit(tmp_path: Path) -> None:
    work = make_repository(tmp_path)
    work.git("checkout", "--quiet", "--orphan", "first")
    assert look(work).base == Base("first", "refs/heads/first", None)


# -- the config ------------------------------------------------------------------------------------------------


def test_the_config_on_base_counts(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"}, remote=True)
    work.write({CONFIG: "prefix: local/\n"})
    assert look(work).config.prefix == "local/", "base has none"
    work.commit({CONFIG: "prefix: base/\n"}, push=True)
    work.write({CONFIG: "prefix: local/\n"})
    assert look(work).config.prefix == "base/"


def test_after_a_fetch_the_config_is_the_new_bases(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"}, remote=True)
    before = look(work)
    work.write({CONFIG: "prefix: local/\n"})
    assert before.fetched().config.prefix == "local/", "base has none, so nothing is known of it"
    for prefix in ("one/", "two/"):
        work.commit({CONFIG: f"prefix: {prefix}\n"}, push=True)
        after = before.fetched()
        assert (after.config.prefix, after.config_file.facts.prefix) == (prefix, prefix)
        assert after.fetched().config_file is after.config_file, "the same commit has the same config"
        before = after


@pytest.mark.parametrize(
    ("text", "is_capped"),
    [("{}", False), ("caps: {running: 1}", True), ("caps: {open_reviews: 2}", True), ("caps: {cost_per_day_usd: 1.5}", False)],
)  # fmt: skip
def test_what_every_command_needs_of_the_config(tmp_path: Path, text: str, *, is_capped: bool) -> None:
    work = make_repository(tmp_path, {CONFIG: f"{text}\n"})
    for _ in ("read", "kept"):
        assert look(work).config_file.facts == ConfigFacts(is_capped=is_capped), (
            "else the model's own defaults"
        )


def test_a_broken_config_gives_defaults_to_look_and_refuses_to_act(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {CONFIG: "prefix: [\n"}, remote=True)
    repo = look(work)
    assert repo.config.prefix == "baton/"
    assert [p.path for p in repo.config_problems] == [CONFIG]
    with pytest.raises(InvalidDocument) as refused:
        require_config(repo)
    assert refused.value.hint == "fix the file, then run: baton validate"
    work.write({CONFIG: "prefix: ok/\n"})
    with pytest.raises(InvalidDocument) as refused:
        require_config(look(work))
    assert refused.value.hint == "it is repaired in this checkout: bring that to main of origin"


def test_a_config_that_is_no_plain_file_is_none(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"})
    (work.path / "tasks").mkdir()
    (work.path / CONFIG).symlink_to("../x.txt")
    assert look(work).config.prefix == "baton/"


def test_settings_are_gits(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"x.txt": "x\n"})
    work.git("config", "user.name", "Tess\nof two lines")
    work.git("config", "--add", "a.b", "1")
    work.git("config", "--add", "a.b", "2")
    settings = look(work).settings
    assert (settings["user.name"], settings["a.b"]) == ("Tess\nof two lines", "2")


# -- what HEAD says, read without git --------------------------------------------------------------------------


def head_of(work: Checkout) -> str | None:
    repo = look(work)
    return read_head(str(repo.git_dir), str(repo.common_dir))


def test_head_is_read_as_git_reads_it(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"a.txt": "a\n"})
    assert head_of(work) == work.git("symbolic-ref", "HEAD") == "refs/heads/main"
    work.git("pack-refs", "--all")
    assert head_of(work) == "refs/heads/main"
    work.git("worktree", "add", "--quiet", "-b", "deep/other", str(tmp_path / "other"))
    other = look(tmp_path / "other")
    assert read_head(str(other.git_dir), str(other.common_dir)) == "refs/heads/deep/other"
    work.git("symbolic-ref", "HEAD", "refs/heads/unborn")
    assert head_of(work) == "refs/heads/unborn"
    assert look(work).base == Base("unborn", "refs/heads/unborn", None)


def test_a_head_that_is_no_plain_branch_is_left_to_git(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"a.txt": "a\n"})
    work.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    work.git("symbolic-ref", "HEAD", "refs/heads/alias")
    assert head_of(work) is None
    work.git("symbolic-ref", "HEAD", "refs/heads/main")
    work.git("switch", "--quiet", "--detach")
    assert head_of(work) is None


def test_a_branch_whose_name_is_no_utf8_is_found_in_the_files(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"a.txt": "a\n"})
    name, commit = os.fsdecode(b"caf\xe9"), work.git("rev-parse", "HEAD")
    work.git("switch", "--quiet", "--create", name)
    assert head_of(work) == f"refs/heads/{name}"
    assert look(work).base == Base(name, f"refs/heads/{name}", commit)
    work.git("pack-refs", "--all")
    assert look(work).base == Base(name, f"refs/heads/{name}", commit)
