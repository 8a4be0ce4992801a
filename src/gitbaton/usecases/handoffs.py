"""What is written down at the end of an attempt, besides the work itself: the handoff, and the drafts of
tasks that the agent proposed.
"""

from __future__ import annotations

import secrets as entropy
from typing import TYPE_CHECKING, Any

from gitbaton.domain.guards import redact
from gitbaton.domain.handoff import Handoff
from gitbaton.domain.ids import make_id
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.wording import clean_text
from gitbaton.store.documents import render_document
from gitbaton.store.layout import task_path
from gitbaton.store.live import render_time
from gitbaton.usecases.project import Project, load_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gitbaton.domain.outbox import ProposedTask
    from gitbaton.domain.state import State
    from gitbaton.usecases.attempt import Finished
    from gitbaton.usecases.attempt_log import AttemptLog

#: A handoff must stay below the size that is still read (1 MiB), whatever an agent did: characters for the
#: names of changed files, and for what checks printed.
_NAMES_ROOM, _OUTPUT_ROOM = 100_000, 100_000
_SUPERSEDED_MAX = 500


def make_handoff(project: Project, done: Finished) -> Handoff:
    """The attempt's handoff: what its author said, and what the runner saw. Secrets are blacked out."""
    said, verdict = done.collected.handoff, done.verdict
    good = OUTCOMES[verdict.outcome].good
    summary = said.summary or (
        _shorten(done.report.message) if done.report.outcome is Outcome.SUCCEEDED else None
    )
    questions = said.questions or ((done.collected.question,) if done.collected.question else ())
    value = {
        **said.model_dump(mode="json", exclude_defaults=True),
        "task": done.claim.entry.row.id, "attempt": done.claim.tip.state.attempt, "run": done.claim.run,
        "agent": done.around.settings.agent_name, "created": render_time(project.clock()),
        "outcome": verdict.outcome.value, "error": None if good else verdict.message, "incomplete": not good,
        "verified": verdict.verified, "summary": summary, "questions": list(questions),
        "files_modified": list(_take_some((clean_text(f.path) for f in done.changes), _NAMES_ROOM)),
        "checks": _list_checks(done), "rounds": list(done.handed_back),
        "peer_review": done.peer.model_dump(mode="json", exclude_defaults=True) if done.peer else None,
        "next_action": said.next_action or ("complete" if good else None),
        "result": done.collected.result if done.around.task.result_schema is not None and good else None,
        "usage": done.report.usage.model_dump(mode="json", exclude_none=True) or None,
        "supersedes": find_superseded(done.claim.tip.state)[-_SUPERSEDED_MAX:],
    }  # fmt: skip
    return Handoff.model_validate(redact(value, done.secrets))


def find_superseded(state: State) -> list[str]:
    """Handoffs of attempts whose work was merged or set aside before the present one began anew."""
    first = state.fresh_since or 1
    return [a.handoff for a in state.attempts if a.number < first and a.handoff]


def _take_some(texts: Iterable[str], room: int) -> Iterator[str]:
    """The first of ``texts``, in order, that together have at most ``room`` characters."""
    for text in sorted(texts):
        room -= len(text)
        if room < 0:
            return
        yield text


def _list_checks(done: Finished) -> list[dict[str, Any]]:
    """The checks, with what they printed as long as there is room for it in the file."""
    checks, room = [], _OUTPUT_ROOM
    for check in done.checks:
        room -= len(check.output or "")
        checks.append(check.model_dump(mode="json", exclude={"output"} if room < 0 else None))
    return checks


def _shorten(text: str, most: int = 1500) -> str | None:
    text = text.strip()
    return (text if len(text) <= most else text[:most].rsplit(" ", 1)[0] + " …") or None


def render_handoff(handoff: Handoff, path: str) -> bytes:
    """The text of a handoff file."""
    value = {k: v for k, v in handoff.model_dump(mode="json", exclude_defaults=True).items() if v is not None}
    return render_document(value, path, "handoff")


def make_drafts(project: Project, done: Finished, log: AttemptLog) -> dict[str, bytes]:
    """Tasks the agent proposed, as draft files for the reviewer to decide on. They may refer to tasks and plans
    that exist and to drafts before them; other references are left out.
    """
    files: dict[str, bytes] = {}
    if not done.collected.tasks:
        return files
    view = load_view(project, local=True)
    known = {i: i for i in view.board.entries}
    taken = {*known, *(b.id for b in view.board.broken), *view.tips.states}
    for proposed in done.collected.tasks:
        task_id = make_id(proposed.id or proposed.title, taken, lambda: entropy.token_hex(2))
        taken.add(task_id)
        needs = tuple(known[n] for n in proposed.depends_on if n in known)
        parent = known.get(proposed.parent or "")
        plan = proposed.plan if proposed.plan in view.contents.plans else None
        if (len(needs), parent is None, plan) != (
            len(proposed.depends_on),
            proposed.parent is None,
            proposed.plan,
        ):
            log.say(
                "guard",
                f"the proposed task {task_id} refers to something that is not there; that was left out",
            )
        fitting = proposed.model_copy(update={"depends_on": needs, "parent": parent, "plan": plan})
        path = task_path(task_id, project.repo.config.layout, plan)
        files[path] = _render_draft(fitting, path, done.secrets)
        known[proposed.id or task_id] = task_id
    return files


def _render_draft(proposed: ProposedTask, path: str, secrets: Mapping[str, str]) -> bytes:
    value = redact(proposed.model_dump(mode="json", exclude_defaults=True, exclude={"id"}), secrets)
    value["status"] = "draft"
    value["acceptance"] = [a["text"] for a in value.get("acceptance", [])] or None
    value = {k: v for k, v in value.items() if v is not None}
    return render_document(value, path, "task")
