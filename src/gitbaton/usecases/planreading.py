"""Plans as this checkout has them, with the tasks that are theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.ids import find_id
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.documents import parse_document
from gitbaton.store.layout import classify, plan_path
from gitbaton.store.overlay import LocalChange, overlay_files
from gitbaton.store.rows import read_texts
from gitbaton.store.snapshots import SourceFile, read_revision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.board import Board, Entry
    from gitbaton.domain.plan import Plan
    from gitbaton.errors import Problem
    from gitbaton.usecases.project import Project, View


class PlanFile(NamedTuple):
    """A plan file. ``local`` as on a task's row; ``plan`` is None where the file can't be read, then there are
    ``problems``.
    """

    id: str
    path: str
    local: str | None
    plan: Plan | None
    problems: tuple[Problem, ...] = ()


class Progress(NamedTuple):
    """How far the tasks of a plan are: those that are worked on, so without sums of others, and without cancelled
    ones in ``total``.
    """

    done: int
    total: int
    cancelled: int


class PlanFiles:
    """The documents by path: base's, and (``local``) with what is only in this checkout. Read once for many questions."""

    def __init__(self, project: Project, *, local: bool = True) -> None:
        self.repo = project.repo
        self.base = read_revision(project.repo, project.repo.base.commit)
        self.here, self._changes = dict(self.base), dict[str, LocalChange]()
        if local:
            self.here, self._changes = overlay_files(project.repo, self.base)

    def mark(self, path: str) -> str | None:
        """Why a document is not what base says; None where it is."""
        change = self._changes.get(path)
        return change.mark if change else None

    def base_file(self, path: str) -> SourceFile | None:
        """What base says instead, wherever it stands there."""
        change = self._changes.get(path)
        return change.base.file if change else self.base.get(path)

    def find_plan(self, plan: str) -> PlanFile:
        """The file of a plan that there is."""
        path = plan_path(plan)
        if path not in self.here:  # .yml, or another spelling: valid enough to be seen
            path = next(p for p in self.here if (place := classify(p)) and (place.kind, place.id) == ("plan", plan))  # fmt: skip
        return _read(plan, path, self.here[path], self.mark(path))

    def read_values(self, entries: Sequence[Entry]) -> dict[str, dict[str, Any]]:
        """The fields of tasks, as they are here."""
        from gitbaton.store.plain import read_plain

        files = [(e.row.path, self.here[e.row.path]) for e in entries if e.row.path in self.here]
        unread = [(p, f) for p, f in files if f.known is None and not f.complaint]
        for (_, file), text in zip(unread, read_texts(self.repo, unread), strict=True):
            file.known = text
        paths = {e.row.path: e.row.id for e in entries}
        return {paths[path]: read_plain(self.repo, file.data, path, "task") or {} for path, file in files}

    def read_value(self, kind: str, path: str, file: SourceFile) -> dict[str, Any]:
        """The fields of one document; none where it can't be read."""
        from gitbaton.store.plain import read_plain

        return {} if file.complaint else read_plain(self.repo, file.data, path, kind) or {}


def _read(plan: str, path: str, file: SourceFile, local: str | None) -> PlanFile:
    from gitbaton.domain.plan import Plan
    from gitbaton.errors import Problem

    if file.complaint:
        return PlanFile(plan, path, local, None, (Problem(path, 1, 1, "", *file.complaint),))
    try:
        return PlanFile(plan, path, local, parse_document(file.data, path, Plan, "plan"))
    except InvalidDocument as error:
        return PlanFile(plan, path, local, None, error.problems)


def find_plan_id(project: Project, view: View, text: str) -> str:
    """The id of the plan that ``text`` names. Raises ``Refusal``: unknown (where it is proposed on a branch, the hint
    says so), or ambiguous.
    """
    try:
        return find_id(text, view.contents.plans, noun="plan")
    except Refusal as refusal:
        if refusal.code != "unknown-id":
            raise
        if text in view.board.entries:
            refusal.hint = f"that is a task: baton show {text}"
        elif branches := _find_proposals(project, text):
            refusal.hint = f"it is proposed on {branches[0]}: merge that first"
        elif not view.contents.plans:
            refusal.hint = 'write one with: baton plan new "Title"'
        raise


def get_plan(project: Project, view: View, files: PlanFiles, text: str) -> tuple[PlanFile, Plan]:
    """The plan that ``text`` names. Raises ``Refusal`` as ``find_plan_id``, or ``broken-plan``."""
    found = files.find_plan(find_plan_id(project, view, text))
    if found.plan is None:
        raise Refusal(
            f"the file of plan {found.id} can't be read", code="broken-plan", hint=f"fix {found.path}, then run: baton validate",
            problems=found.problems,
        )  # fmt: skip
    return found, found.plan


def _find_proposals(project: Project, plan: str) -> list[str]:
    from gitbaton.store.git import list_refs

    repo = project.repo
    start = f"{repo.config.prefix}edit-{plan}-"
    places = [f"refs/remotes/{repo.remote}/" if repo.remote else "", "refs/heads/"]
    return [
        ref.removeprefix("refs/heads/").removeprefix("refs/remotes/")
        for place in places if place
        for ref in list_refs(repo.git, place) if ref.startswith(place + start)
    ]  # fmt: skip


# -- its tasks ---------------------------------------------------------------------------------------------


def list_members(board: Board, plan: str, listed: Sequence[str] = ()) -> list[Entry]:
    """The tasks whose files name a plan: in the order in which the plan lists them, then by id."""
    rank = {task: n for n, task in enumerate(listed)}
    mine = [e for e in board.entries.values() if e.row.plan == plan]
    return sorted(mine, key=lambda e: (rank.get(e.row.id, len(rank)), e.row.id))


def measure(board: Board, members: Sequence[Entry]) -> Progress:
    """How far they are."""
    leaves = [e for e in members if not board.children.get(e.row.id)]
    cancelled = sum(e.state == "cancelled" for e in leaves)
    return Progress(sum(e.state == "done" for e in leaves), len(leaves) - cancelled, cancelled)
