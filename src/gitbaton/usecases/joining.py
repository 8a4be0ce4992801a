"""Taking base into work that goes on: the merge that an attempt begins with.

Where the two sides conflict, a commit that holds the files with their markers is the attempt's start: what the agent
changes is told against it, so that nothing base brought counts as the agent's. That commit is never published. The
agent's own has the task branch and base as parents, once no marker is left; before that, nothing of it reaches the
branch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.conflicts import Conflict, find_conflict
from gitbaton.domain.guards import ChangedFile, judge_change
from gitbaton.errors import Refusal
from gitbaton.store.capture import show_path
from gitbaton.store.git import Commit, commit_tree, is_ancestor, list_entries, read_objects
from gitbaton.store.merging import merge_trees

if TYPE_CHECKING:
    from gitbaton.usecases.material import Surroundings
    from gitbaton.usecases.project import Project

#: What the token of a workflow run may not push, even where it only merges it.
_WORKFLOWS = ".github/workflows"
_SHOWN = 8


class Joined(NamedTuple):
    """Where an attempt begins. ``tip`` is what was published before; ``base`` the commit that was merged into it
    (None: none); ``start`` what came of it, with markers in the files of ``conflicts``. ``why_not`` tells why base was
    not merged although it has moved on.
    """

    start: str
    tip: str
    base: str | None = None
    conflicts: tuple[Conflict, ...] = ()
    why_not: str | None = None

    @property
    def sides(self) -> tuple[str, ...]:
        """The commits that markers name."""
        return (self.tip, self.base) if self.base and self.conflicts else ()

    @property
    def parents(self) -> tuple[str, ...]:
        """What the agent's commit stands on."""
        return self.sides or (self.start,)


def join_base(project: Project, around: Surroundings, tip: str, base: str, branch: str) -> Joined:
    """Merge ``base`` into ``tip``, the work that an attempt goes on with. What an agent can't or mustn't resolve stays
    as it is: the attempt begins at ``tip`` then.
    """
    repo, git = project.repo, project.repo.git
    if is_ancestor(git, base, tip):
        return Joined(tip, tip)
    try:
        merged = merge_trees(repo, tip, base)
    except Refusal as refusal:
        if refusal.code != "unrelated":
            raise
        return Joined(tip, tip, why_not=refusal.message)
    if project.environment.get("GITHUB_ACTIONS") == "true" and _differ(project, tip, merged.tree, _WORKFLOWS):
        return Joined(tip, tip, why_not=f"it changes {_WORKFLOWS}, which a workflow's token may not push")
    conflicts, theirs = sort_conflicts(project, around, merged.tree, merged.conflicts, (tip, base))
    if theirs:
        return Joined(
            tip, tip, why_not=f"a person must resolve the conflicts in {', '.join(theirs[:_SHOWN])}"
        )
    author = around.settings.author
    message = f"Merge {repo.base.branch} into {branch}\n"
    start = commit_tree(git, merged.tree, [tip, base], message, author=Commit(author.name, author.email))
    return Joined(start, tip, base, conflicts)


def sort_conflicts(
    project: Project, around: Surroundings, tree: str, names: tuple[bytes, ...], sides: tuple[str, str]
) -> tuple[tuple[Conflict, ...], tuple[str, ...]]:
    """The conflicts of a merge that an agent may resolve, and the files that are a person's to decide about: those an
    attempt must not change, and those in which no markers can stand (deleted on one side, a link, binary, renamed).
    """
    agents: list[Conflict] = []
    theirs: list[str] = []
    guards = project.repo.config.guards
    decoded = [name.decode("utf-8", "surrogateescape") for name in names]
    entries = list_entries(project.repo.git, tree, decoded)
    for name, raw in zip(decoded, names, strict=True):
        path, entry = show_path(raw), entries.get(name)
        mode = entry.mode if entry else "000000"
        data = read_objects(project.repo.git, [entry.oid])[0] if entry and mode.startswith("100") else None
        conflict = find_conflict(path, data, sides)
        touched = [ChangedFile(path, mode, mode, 0, b"")]
        if conflict and not judge_change(touched, paths=around.task.paths, guards=guards, secrets={}):
            agents.append(conflict)
        else:
            theirs.append(path)
    return tuple(agents), tuple(theirs)


def _differ(project: Project, one: str, other: str, folder: str) -> bool:
    return bool(project.repo.git.call("diff-tree", "-r", "--name-only", one, other, "--", folder))
