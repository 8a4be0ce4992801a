"""Where task files, live state and the base branch don't agree."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gitbaton.domain.board import TaskRow
from gitbaton.domain.finding import Finding
from gitbaton.errors import LostRace
from gitbaton.store.git import has_nothing_new, is_ancestor, read_objects, resolve
from gitbaton.store.layout import is_archived
from gitbaton.store.live import parse_time, read_state_at
from gitbaton.store.rows import read_row
from gitbaton.store.snapshots import SourceFile
from gitbaton.store.yamledit import SetField
from gitbaton.usecases.archive import restore_tasks
from gitbaton.usecases.review import mark_merged
from gitbaton.usecases.tasks import edit_task
from gitbaton.usecases.transitions import advance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gitbaton.domain.lifecycle import EventName
    from gitbaton.domain.state import State
    from gitbaton.store.live import Tip
    from gitbaton.usecases.project import Project, View

_FINISHED = ("done", "cancelled")
_IN_REVIEW = ("in_review", "changes_requested")
#: Live states that count against caps, or wait for somebody.
_LINGERING = ("in_progress", "needs_input", *_IN_REVIEW)
#: Beyond this git pays for each commit to a folder, because it writes all of its list anew.
FOLDER_MAX = 1000


def _check_files(project: Project, base: View, local: View) -> Iterator[Finding]:  # noqa: ARG001 one form for all
    for broken in local.board.broken:
        more = f" (and {len(broken.problems) - 1} more)" if len(broken.problems) > 1 else ""
        yield Finding("broken-file", "error", f"{broken.problems[0]}{more}", "baton validate")


def _check_tips(project: Project, base: View, local: View) -> Iterator[Finding]:  # noqa: ARG001 one form for all
    repo = project.repo
    for task, problems in base.tips.unreadable.items():
        ref = f"{repo.seen_prefix}{task}"
        sound = _find_sound(project, task)
        remedy = f"see what happened: git log {ref}"
        if sound and repo.remote:
            remedy += f"; to go back: git push {repo.remote} +{sound[:12]}:{repo.state_prefix}{task}"
        elif sound:
            remedy += f"; to go back: git update-ref {ref} {sound[:12]}"
        yield Finding(
            "unreadable-state", "error", f"the live state of {task} can't be read: {problems[0]}", remedy
        )


def _find_sound(project: Project, task: str) -> str | None:
    """The newest state of a task that can be read."""
    history = project.repo.git.find("rev-list", "--first-parent", f"{project.repo.seen_prefix}{task}") or ""
    return next((oid for oid in history.splitlines() if read_state_at(project.repo, oid, task)), None)


def _check_tasks_of_states(project: Project, base: View, local: View) -> Iterator[Finding]:
    """A live state whose task is gone."""
    known = {*base.board.entries, *local.board.entries, *(b.id for b in base.board.broken)}
    for task, tip in sorted(base.tips.states.items()):
        if task in known or tip.state.status not in _LINGERING:
            continue
        said = f"{task} is {tip.state.status.replace('_', ' ')}, but its task file is gone from {project.repo.base.branch}"
        yield _end(project, tip, "state-without-task", said, "its task file is gone")


def _check_finished(project: Project, base: View, local: View) -> Iterator[Finding]:  # noqa: ARG001 one form for all
    """A finished task that is somebody's all the same, and merged work that nobody has noted as merged."""
    for task, tip in sorted(base.tips.states.items()):
        entry = base.board.entries.get(task)
        state = tip.state
        if entry is None or state.status in ("merged", "open"):
            continue
        done = entry.row.status in _FINISHED
        if state.status != "in_progress" and state.head and _is_merged(project, state, squashed=done):
            said = f"the work of {task} is merged, but its live state says {state.status.replace('_', ' ')}"
            yield Finding("unnoted-merge", "warning", said, "notes the merge", _noter(project, state))
        elif done and state.status in _LINGERING:
            said = f"{task} is {entry.row.status}, but its live state says {state.status.replace('_', ' ')}"
            yield _end(project, tip, "finished-but-live", said, f"the task was set {entry.row.status}")


def _is_merged(project: Project, state: State, *, squashed: bool) -> bool:
    git, base, head = project.repo.git, project.repo.base.commit, state.head
    if not (base and head and resolve(git, head)):
        return False
    return is_ancestor(git, head, base) or (squashed and has_nothing_new(git, head, base))


def _noter(project: Project, state: State) -> Callable[[], None]:
    def note() -> None:
        now = project.fetched()
        if now.repo.base.commit:
            mark_merged(now, state, now.repo.base.commit)

    return note


def _end(project: Project, tip: Tip, code: str, said: str, reason: str) -> Finding:
    """The finding for a live state that should be over. A review is closed, everything else stopped."""
    state = tip.state
    if state.pull_request and state.pull_request.url:
        return Finding(code, "warning", said, f"merge or close {state.pull_request.url}, then: baton sync")
    lease = state.lease or ""
    if state.status == "in_progress" and (state.lease is None or not _has_passed(project, lease)):
        who = state.claimed_by.name if state.claimed_by else "somebody"
        return Finding(
            code, "note", f"{said}: {who} is at it", f"baton stop {state.task}, or wait until it ends"
        )
    event: EventName = "closed" if state.status in _IN_REVIEW else "stopped"

    def end() -> None:
        advance(
            project,
            state.task,
            event,
            lambda _: {"reason": reason, "lease": None},
            expect=lambda now: _same(now, state),
        )

    return Finding(
        code, "warning", said, f"sets it {event}; what it did stays in git log {project.repo.seen_prefix}{state.task}", end
    )  # fmt: skip


def _same(now: State | None, then: State) -> None:
    if now is None or now.event.id != then.event.id:
        raise LostRace([then.task], message=f"{then.task} has moved on meanwhile")


def _has_passed(project: Project, lease: str) -> bool:
    end = parse_time(lease)
    return end is not None and end + project.refs.tolerance_s < project.refs.now().timestamp()


def _check_merged(project: Project, base: View, local: View) -> Iterator[Finding]:
    """Work that was merged without ever saying that its task is done. (A task that said so and is todo again
    was opened again.)
    """
    repo = project.repo
    for task, tip in sorted(base.tips.states.items()):
        entry, state = base.board.entries.get(task), tip.state
        mine = local.board.entries.get(task)
        if not (
            entry and mine and entry.row.status == mine.row.status == "todo" and state.status == "merged"
        ):
            continue
        commits = [c for c in (state.head, state.merge) if c and resolve(repo.git, c)]
        if len(commits) < 2 or not is_ancestor(repo.git, commits[1], repo.base.commit or ""):
            continue
        if any(_says_finished(project, commit, entry.row.path) for commit in commits):
            continue
        said = f"the work of {task} was merged, but its file has never said that it is done"
        here = repo.git.find("symbolic-ref", "--quiet", "HEAD") == f"refs/heads/{repo.base.branch}"
        command = f"baton set {task} status=done"
        if repo.remote or not here:
            yield Finding("merged-not-done", "warning", said, f"on {repo.base.branch}: {command} --push")
        else:
            yield Finding(
                "merged-not-done",
                "warning",
                said,
                command,
                partial(
                    edit_task, project, task, [SetField(("status",), "done")], "Set status of {task} to done"
                ),
            )


def _says_finished(project: Project, commit: str, path: str) -> bool:
    text = read_objects(project.repo.git, [f"{commit}:{path}"])[0]
    row = read_row(path, SourceFile(text)) if text else None
    return not isinstance(row, TaskRow) or row.status in _FINISHED


def _check_archive(project: Project, base: View, local: View) -> Iterator[Finding]:  # noqa: ARG001 one form for all
    for task, entry in sorted(local.board.entries.items()):
        if is_archived(entry.row.path) and entry.state not in _FINISHED and entry.row.local != "uncommitted":
            said = f"{task} is {entry.state.replace('_', ' ')}, but stands in the archive"
            yield Finding(
                "unfinished-in-archive", "warning", said, f"baton archive --restore {task}",
                partial(restore_tasks, project, [task]),
            )  # fmt: skip


def _check_folders(project: Project, base: View, local: View) -> Iterator[Finding]:  # noqa: ARG001 one form for all
    sizes: dict[str, int] = {}
    paths = [row.path for row in base.contents.tasks.values()] + [b.path for b in base.contents.broken]
    for path in paths:
        if not is_archived(path):
            folder = path.rpartition("/")[0]
            sizes[folder] = sizes.get(folder, 0) + 1
    for folder, size in sorted(sizes.items()):
        if size > FOLDER_MAX:
            said = f"{folder}/ holds {size} task files: git writes that list anew with each commit"
            more = "" if project.repo.config.layout == "shard" else "; for new tasks: layout: shard in tasks/config.yaml"  # fmt: skip
            yield Finding("large-folder", "note", said, f"baton archive{more}")


#: Each yields what it finds on the board as base has it, and as this checkout has it.
BOARD_CHECKS: tuple[Callable[[Project, View, View], Iterator[Finding]], ...] = (
    _check_files, _check_tips, _check_tasks_of_states, _check_finished, _check_merged, _check_archive, _check_folders,
)  # fmt: skip
