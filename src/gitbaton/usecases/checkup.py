"""What can be wrong with this clone and this machine. One function for each thing ``baton doctor`` looks at."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gitbaton.domain.durations import render_duration
from gitbaton.domain.finding import Finding
from gitbaton.domain.ids import MARK
from gitbaton.errors import BatonError
from gitbaton.store.cache import DAMAGED
from gitbaton.store.cachecheck import describe_cache, drop_cache
from gitbaton.store.edits import commit_edits
from gitbaton.store.git import is_ancestor, list_tree, resolve
from gitbaton.store.layout import DOCS
from gitbaton.store.leftovers import (
    clear_away,
    complete_in,
    drop_lock,
    find_abandoned,
    find_interrupted,
    find_locks,
)
from gitbaton.store.live import read_tips
from gitbaton.store.repository import require_config
from gitbaton.usecases.init import ATTRIBUTES, DRIVER, driver_settings, find_missing_program, plan_init
from gitbaton.usecases.project import load_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gitbaton.store.leftovers import Abandoned
    from gitbaton.usecases.project import Project

#: Below this age a lock of git's is a command at work.
LOCK_AGE_S = 600.0


def check_remote(project: Project) -> Iterator[Finding]:
    """Fetch, and say so if that does not work."""
    try:
        project.refs.fetch()
    except BatonError as error:
        said = f"{error.message}; what stands here is as of the last fetch"
        yield Finding("remote", "warning", said, error.hint)


def _check_settings(project: Project) -> Iterator[Finding]:
    try:
        require_config(project.repo)
    except BatonError as error:
        for problem in error.problems:
            remote = problem.field == "remote"
            hint = "git config baton.remote NAME" if remote else error.hint
            yield Finding("settings", "error", problem.message if remote else str(problem), hint)


def _check_identity(project: Project) -> Iterator[Finding]:
    if project.repo.git.run("var", "GIT_COMMITTER_IDENT").code:
        yield Finding(
            "no-identity", "error", "git does not know who you are, so nothing can be committed",
            'git config --global user.name "Your Name" && git config --global user.email you@example.org',
        )  # fmt: skip


def _check_base(project: Project) -> Iterator[Finding]:
    repo = project.repo
    if repo.base.commit or repo.config_problems:
        return
    branch, remote = repo.base.branch, repo.remote
    here = resolve(repo.git, f"refs/heads/{branch}")
    if not remote:
        if resolve(repo.git, "HEAD"):
            said = f"there is no branch {branch}, which tasks are read from"
            yield Finding("no-base", "error", said, "git config baton.base BRANCH")
        else:
            yield Finding("no-base", "note", "there is no commit yet, so there are no tasks", "baton init")
        return
    said = f"{remote} has no branch {branch}, so nobody sees a task yet"
    remedy = f"git push -u {remote} {branch}" if here else "git config baton.base BRANCH"
    yield Finding("no-base", "error", said, remedy)


def _check_setup(project: Project) -> Iterator[Finding]:
    """The merge driver: the line in .gitattributes, the setting, the program."""
    repo = project.repo
    if not (repo.top / "tasks").is_dir():
        if repo.base.commit:
            yield Finding("not-set-up", "note", "gitbaton is not set up in this checkout", "baton init")
        return
    asked = repo.git.find("check-attr", "merge", "--", "tasks/a.yaml", "tasks/b/a.yaml") or ""
    if "unspecified" in asked:
        yield Finding(
            "no-merge-attribute", "warning", "git merges task files line by line, because .gitattributes does not name the merge driver",
            f"adds to .gitattributes, as a commit: {ATTRIBUTES}", partial(_add_attributes, project),
        )  # fmt: skip
    driver = repo.settings.get(DRIVER)
    if driver is None:
        yield Finding(
            "no-merge-driver", "warning", "git merges task files line by line, because this clone has no merge driver",
            f"sets {DRIVER} in .git/config", partial(_set_driver, project),
        )  # fmt: skip
    elif program := find_missing_program(project, driver):
        yield Finding(
            "merge-driver-not-found", "warning", f"git's merge driver for task files can't run: there is no program {program} on PATH",
            f"sets {DRIVER} to the program that runs now", partial(_set_driver, project),
        )  # fmt: skip


def _add_attributes(project: Project) -> None:
    changes = plan_init(project).changes
    if ".gitattributes" in changes:
        commit_edits(
            project.repo,
            {".gitattributes": changes[".gitattributes"]},
            "Let git merge task files field by field",
        )


def _set_driver(project: Project) -> None:
    for key, value in driver_settings(project).items():
        project.repo.git.call("config", "--local", key, value)


# -- what dead processes left --------------------------------------------------------------------------------


def _check_edits(project: Project) -> Iterator[Finding]:
    repo = project.repo
    for tree in find_interrupted(repo):
        said = f"an edit was interrupted in {tree}: committed, but not all of its files are up to date there"
        yield Finding("interrupted-edit", "warning", said, "completes it", partial(complete_in, repo, tree))


def _check_locks(project: Project) -> Iterator[Finding]:
    repo = project.repo
    for lock in find_locks(repo):
        if lock.ours:
            said = f"a baton command that died left {lock.path}, so git refuses to work here"
            yield Finding("stale-lock", "error", said, "removes it", partial(drop_lock, repo, lock))
        elif (age_s := project.clock().timestamp() - lock.since) > LOCK_AGE_S:
            said = f"{lock.path} has been there for {render_duration(age_s)}: a git command waits for somebody, or died"
            yield Finding(
                "foreign-lock", "warning", said, f"if no git command is running here: rm '{lock.path}'"
            )


def _check_workplaces(project: Project) -> Iterator[Finding]:
    for left in find_abandoned(project.cache):
        is_commission = left.task.startswith(MARK)  # what an agent changes there is never kept
        who = left.task.removeprefix(MARK) if is_commission else f"attempt {left.attempt} at {left.task}"
        said = f"{who} left its workplace {left.root}: its runner died"
        if left.processes:
            numbers = " ".join(map(str, left.processes))
            said += f", but processes of its agent still work there ({numbers})"
            yield Finding("orphaned-workplace", "warning", said, f"end them first: kill {numbers}")
            continue
        keeps = not is_commission and not _is_published(project, left)
        yield Finding(
            "orphaned-workplace", "warning", said, "deletes it" if is_commission else "keeps its work under a ref of this clone, then deletes it",
            partial(clear_away, project.repo, left, salvage=keeps),
        )  # fmt: skip


def _is_published(project: Project, left: Abandoned) -> bool:
    """Whether the attempt's work stands where people and later attempts find it."""
    tip = read_tips(project.repo, left.task).states.get(left.task)
    ended = [a for a in tip.state.attempts if a.run == left.run and a.head] if tip else []
    return bool(ended and resolve(project.repo.git, ended[0].head or ""))


def _check_caches(project: Project) -> Iterator[Finding]:
    cache = describe_cache(project.repo)
    aside = [file for file in cache.leftovers if file.endswith(DAMAGED)]
    for file in [cache.file, *aside] if cache.is_damaged else aside:
        said = f"the cache {file} is damaged; it is only slower without"
        yield Finding("broken-cache", "warning", said, "deletes it", partial(drop_cache, file))
    if cache.problem and not cache.is_damaged:
        said = f"the cache {cache.file} is of no use: {cache.problem}"
        yield Finding(
            "unusable-cache", "note", said, f"check the permissions of {project.repo.common_dir / 'baton'}"
        )
    for file in cache.leftovers:
        if file not in aside:
            said = f"the cache {file} belongs to another version; it is not used any more"
            yield Finding("old-cache", "note", said, "deletes it", partial(drop_cache, file))


def _check_sharing(project: Project) -> Iterator[Finding]:
    """Commits on the local base branch that nobody else sees."""
    repo = project.repo
    here = resolve(repo.git, f"refs/heads/{repo.base.branch}") if repo.remote else None
    if here and repo.base.commit and not is_ancestor(repo.git, here, repo.base.commit):
        count = repo.git.text("rev-list", "--count", f"{repo.base.commit}..{here}", "--", ":(top)tasks")
        if count != "0":
            said = f"{count} commit{'s' if count != '1' else ''} on {repo.base.branch} that touch tasks are not on {repo.remote}"
            yield Finding("not-pushed", "note", said, f"git push {repo.remote} {repo.base.branch}")


def _check_docs(project: Project) -> Iterator[Finding]:
    """Notes about tasks that there are not."""
    repo = project.repo
    docs = list_tree(repo.git, "HEAD", DOCS) if resolve(repo.git, "HEAD") else []
    if not docs:
        return
    view = load_view(project, local=True)
    known = {*view.board.entries, *(broken.id for broken in view.board.broken)}
    for entry in docs:
        task, ending = entry.path.removeprefix(f"{DOCS}/"), ".md"
        if task.endswith(ending) and "/" not in task and task.removesuffix(ending) not in known:
            said = f"{entry.path} is about a task that there is not"
            yield Finding("orphaned-doc", "note", said, f"git rm {entry.path}; or name it after its task")


#: Each yields what it finds in a project. Other parts of the system add theirs here.
CHECKS: tuple[Callable[[Project], Iterator[Finding]], ...] = (
    _check_settings, _check_identity, _check_base, _check_setup, _check_edits, _check_locks, _check_workplaces, _check_caches, _check_sharing,
    _check_docs,
)  # fmt: skip
