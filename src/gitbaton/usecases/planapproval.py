"""Who approved a plan, and what became of it since: told from what the base branch itself went through.

The commit (mostly a merge) that brought the plan file to base approved what base said then. What base changed later on
the plan or on the text of its tasks is listed with who did it; what only this checkout says is not approved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.comparing import FieldChange, compare_values
from gitbaton.store.git import read_objects
from gitbaton.store.history import list_commits
from gitbaton.store.layout import TASKS
from gitbaton.usecases.chronicle import read_changes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.board import Entry
    from gitbaton.store.history import LoggedCommit
    from gitbaton.store.repository import Repository
    from gitbaton.usecases.differences import DocumentChange
    from gitbaton.usecases.planreading import PlanFile, PlanFiles
    from gitbaton.usecases.project import Project

#: What may change without the plan being another one: how far it is, and who does it when.
UNBOUND = {
    "task": {"status", "hold", "progress", "clarifications", "priority", "assignee", "labels", "created"},
    "plan": {"status", "created"},
}


#: More are slower than looking at every file.
_SPECS_MAX = 100


class Origin(NamedTuple):
    """A commit of base: when, who wrote it, what it says, whether it merged something."""

    commit: str
    at: float
    who: str
    subject: str
    is_merge: bool


class Edit(NamedTuple):
    """A document that is not what was approved. ``origin`` is None for what only this checkout says (``local`` says
    how). ``words`` tell what changed.
    """

    kind: str
    id: str
    path: str
    words: tuple[str, ...]
    fields: tuple[str, ...]
    origin: Origin | None = None
    local: str | None = None


class Approval(NamedTuple):
    """What approved a plan (None: nothing yet), what base changed since, oldest first, and what is only here. It
    ``is_older`` than what a shallow clone knows: then nobody can say here.
    """

    origin: Origin | None
    edits: Sequence[Edit]
    local: Sequence[Edit]
    is_older: bool = False


def find_approval(project: Project, files: PlanFiles, file: PlanFile, members: Sequence[Entry]) -> Approval:
    """How a plan stands to what was merged."""
    repo = project.repo
    local = list(_list_local(files, file, members))
    if repo.base.commit is None or files.base_file(file.path) is None:
        return Approval(None, (), local)
    past = list_commits(repo, [repo.base.commit], [f":(top,literal){file.path}"], first_parent=True)
    begun = next((c for c in past if any(t.old is None and t.new for t in c.files if t.path == file.path)), None)  # fmt: skip
    if begun is None:
        return Approval(None, (), local, is_older=True)
    tasks = {*_list_approved(repo, begun.oid, file.path), *(e.row.id for e in members)}
    edits = [edit for commit in _list_since(repo, begun, file.path, tasks) for edit in _tell(repo, commit, file.id, tasks)]  # fmt: skip
    is_older = _is_cut_off(repo, begun.oid)
    return Approval(None if is_older else _origin(begun), edits, local, is_older)


def _is_cut_off(repo: Repository, commit: str) -> bool:
    """Whether a shallow clone begins with a commit, so that it seems to have brought all that there is."""
    try:
        return commit in (repo.common_dir / "shallow").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return False


def _origin(commit: LoggedCommit) -> Origin:
    return Origin(commit.oid, commit.at, commit.author, commit.subject, commit.is_merge)


def _list_approved(repo: Repository, commit: str, path: str) -> list[str]:
    """The tasks that a plan listed when it was approved."""
    from gitbaton.store.plain import read_plain

    text = read_objects(repo.git, [f"{commit}:{path}"])[0]
    return list((read_plain(repo, text, path, "plan") or {}).get("tasks", ())) if text else []


def _list_since(repo: Repository, begun: LoggedCommit, path: str, tasks: Iterable[str]) -> list[LoggedCommit]:
    """What base went through since, where the plan or its tasks were touched; oldest first."""
    assert repo.base.commit is not None
    specs = [f":(top,literal){path}", *specs_of(tasks)]
    return list_commits(repo, [repo.base.commit, f"^{begun.oid}"], specs, first_parent=True)[::-1]


def specs_of(tasks: Iterable[str]) -> list[str]:
    """What git is asked for to hear of the files of ``tasks``, wherever they stand; of all where they are many."""
    names = sorted(set(tasks))
    if len(names) > _SPECS_MAX:
        return [f":(top){TASKS}"]
    return [f":(top,glob){TASKS}/**/{task}.yaml" for task in names]


def _tell(repo: Repository, commit: LoggedCommit, plan: str, tasks: set[str]) -> Iterable[Edit]:
    for change in read_changes(repo, commit):
        if (change.kind, change.id) != ("plan", plan) and not (change.kind == "task" and change.id in tasks):
            continue
        fields = [f for f in change.fields if is_bound(change.kind, f)]
        if change.what in ("moved", "archived", "restored") and not fields:
            continue
        words = tuple(w for f in fields for w in f.words)
        if change.what in ("added", "removed"):
            words = ("it came later",) if change.what == "added" else ("its file was removed",)
            if change.what == "added" and _names_other(change, plan):
                continue
        elif change.trouble:
            words = (change.trouble,)
        elif not words:
            continue
        names = tuple(dict.fromkeys(f.field.partition(".")[0] for f in fields))
        yield Edit(change.kind, change.id, change.path, words, names, _origin(commit))


def _names_other(change: DocumentChange, plan: str) -> bool:
    return change.kind == "task" and (change.value or {}).get("plan") != plan


def is_bound(kind: str, change: FieldChange) -> bool:
    """Whether a change of a field makes the plan another one. Criteria that are ticked off don't."""
    name = change.field.partition(".")[0]
    if name in UNBOUND.get(kind, ()):
        return False
    if name == "acceptance" and isinstance(change.before, list) and isinstance(change.after, list):
        return [_text(c) for c in change.before] != [_text(c) for c in change.after]
    return True


def _text(criterion: Any) -> Any:
    return criterion.get("text") if isinstance(criterion, dict) else criterion


# -- what is only here -------------------------------------------------------------------------------------


def _list_local(files: PlanFiles, file: PlanFile, members: Sequence[Entry]) -> Iterable[Edit]:
    documents = [("plan", file.id, file.path), *(("task", e.row.id, e.row.path) for e in members)]
    for kind, name, path in documents:
        mark = files.mark(path)
        if mark is None:
            continue
        before, after = files.base_file(path), files.here.get(path)
        if before is None or after is None:
            yield Edit(kind, name, path, ("new here",), (), None, mark)
            continue
        changes = compare_values(files.read_value(kind, path, before), files.read_value(kind, path, after), kind)  # fmt: skip
        bound = [c for c in changes if is_bound(kind, c)]
        if bound:
            words = tuple(w for c in bound for w in c.words)
            yield Edit(kind, name, path, words, tuple(c.field for c in bound), None, mark)
