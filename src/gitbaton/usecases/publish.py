"""Recording how an attempt ended: the work on its branch, the handoff, the state, in one atomic push."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.backoff import bound_backoff, draw_backoff
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.reviewtext import render_review_body
from gitbaton.domain.state import PullRequest
from gitbaton.errors import BatonError
from gitbaton.ports import RefUpdate, Review
from gitbaton.store.capture import bring_home, own_git
from gitbaton.store.documents import edit_document
from gitbaton.store.git import Commit, commit_tree, read_objects, write_blob, write_tree_with
from gitbaton.store.layout import handoff_path
from gitbaton.store.live import render_time
from gitbaton.store.yamledit import SetField
from gitbaton.usecases.handoffs import make_drafts, make_handoff, render_handoff
from gitbaton.usecases.salvage import keep_unresolved, kept_ref
from gitbaton.usecases.transitions import LeaseLost, advance, draw_chance, read_tip
from gitbaton.usecases.work import attempt_ref

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.lifecycle import EventName
    from gitbaton.domain.state import State
    from gitbaton.domain.verdict import Verdict
    from gitbaton.store.live import Tip
    from gitbaton.usecases.attempt import Finished
    from gitbaton.usecases.attempt_log import AttemptLog
    from gitbaton.usecases.claim import Claim
    from gitbaton.usecases.project import Project

_PATIENCE = 4
#: Outcomes whose work must not reach a branch that people build on: it stays where its message says.
_KEPT_BACK = (Outcome.GUARD_REFUSED, Outcome.OUT_OF_SCOPE)


class Published(NamedTuple):
    """Where an attempt ended up. ``kept_at`` names the ref that holds work which was not published;
    ``warning`` says what else did not work out; ``merge`` is the commit that merged it, where no person had to be asked.
    """

    tip: Tip
    verdict: Verdict
    handoff: Handoff
    review: Review | None = None
    kept_at: str | None = None
    warning: str | None = None
    merge: str | None = None


def publish(project: Project, done: Finished, log: AttemptLog) -> Published:
    """Publish a finished attempt. Raises ``LeaseLost`` when the claim is not ours any more (the work is then
    kept under a local ref that the message names) and ``TryAgain`` when the remote stays unreachable.
    """
    verdict, task = done.verdict, done.claim.entry.row.id
    handoff = make_handoff(project, done)
    path = handoff_path(task, project.clock(), done.claim.run)
    head = _commit(project, done, handoff, path, log)
    work = keep_unresolved(project, done, head) if done.unresolved and done.changes else head
    number = done.claim.tip.state.attempt
    kept = kept_ref(project, done.claim)
    if verdict.outcome is Outcome.LOST_LEASE:
        raise _keep(project, kept, work, LeaseLost(task, done.claim.run, None))
    try:
        tip = _record(project, done, path, head, work)
    except BatonError as error:
        raise _keep(project, kept, work, error) from error
    kept_at = None
    if verdict.outcome is Outcome.GUARD_REFUSED:
        project.repo.git.call("update-ref", kept, work)
        kept_at = kept
    elif verdict.outcome is Outcome.OUT_OF_SCOPE or work != head:
        kept_at = attempt_ref(project, task, number)
    log.say("publish", _say(project, done, tip))
    published = Published(tip, verdict, handoff, kept_at=kept_at)
    return open_review(project, done, published, log) if OUTCOMES[verdict.outcome].good else published


def _say(project: Project, done: Finished, tip: Tip) -> str:
    state = tip.state
    branch = (
        f"branch {state.branch} at {state.head[:10]}"
        if state.head and done.verdict.outcome not in _KEPT_BACK
        else "state only"
    )
    where = f" on {project.repo.remote}" if project.repo.remote else ""
    return f"{state.status.replace('_', ' ')}: {branch}{where}"


def _keep(project: Project, ref: str, head: str, error: BatonError) -> BatonError:
    """``error``, saying where the work is kept; as it is when even that can't be done."""
    try:
        project.repo.git.call("update-ref", ref, head)
    except BatonError:
        return error
    error.message += f"; the work is kept here as {ref}"
    error.hint = f"look at it with: git log -p {ref}" + (f" ({error.hint})" if error.hint else "")
    error.data["kept"] = ref
    return error


# -- commits -----------------------------------------------------------------------------------------------


def _commit(project: Project, done: Finished, handoff: Handoff, path: str, log: AttemptLog) -> str:
    """The commits of this attempt on top of where it began: the agent's work (if any) and gitbaton's own files:
    handoff, proposed drafts and, when the work goes to review, ``status: done``. Where conflict markers are left, these
    alone stand on what was published before.
    """
    settings, task = done.around.settings, done.around.task
    author = Commit(settings.author.name, settings.author.email)
    head = done.joined.tip if done.unresolved else done.joined.start
    trailer = f"Baton-Task: {done.claim.entry.row.id}\nBaton-Attempt: {done.claim.tip.state.attempt}\nBaton-Run: {done.claim.run}\n"
    if done.changes and not done.unresolved:
        summary = (handoff.summary or "").strip()
        good = OUTCOMES[done.verdict.outcome].good
        subject = (
            task.title
            if good
            else f"{task.title} (unfinished: {done.verdict.outcome.value.replace('_', ' ')})"
        )
        said = [summary] if summary and summary != task.title else []
        if conflicts := [c.path for c in done.joined.conflicts]:
            said.append(
                f"Merges {project.repo.base.branch}; conflicts were resolved in: {', '.join(conflicts)}"
            )
        message = "\n\n".join([subject, *said, trailer])
        head = commit_tree(own_git(done.place), done.tree, done.joined.parents, message, author=author)
        bring_home(project.repo, done.place, head)
    files = {path: render_handoff(handoff, path)}
    if OUTCOMES[done.verdict.outcome].good:
        text = read_objects(project.repo.git, [f"{head}:{done.around.path}"])[0] or done.around.text
        files[done.around.path] = edit_document(
            text, done.around.path, "task", [SetField(("status",), "done")]
        )
    files.update(make_drafts(project, done, log))
    tree = write_tree_with(
        project.repo.git,
        f"{head}^{{tree}}",
        {p: ("100644", write_blob(project.repo.git, d)) for p, d in files.items()},
    )
    verb = "Finish" if OUTCOMES[done.verdict.outcome].good else "Leave a handoff for"
    return commit_tree(
        project.repo.git, tree, [head], f"{verb} {done.claim.entry.row.id}\n\n{trailer}", author=author
    )


# -- state -------------------------------------------------------------------------------------------------


def _record(project: Project, done: Finished, path: str, head: str, work: str) -> Tip:
    """``head`` goes to the task branch, ``work`` to the attempt's own ref."""
    verdict, task = done.verdict, done.claim.entry.row.id
    number = done.claim.tip.state.attempt
    branch = f"refs/heads/{done.claim.tip.state.branch}"
    to_branch = verdict.outcome not in _KEPT_BACK and (
        bool(done.changes)
        or OUTCOMES[verdict.outcome].good
        or bool(done.collected.handoff.model_fields_set or done.collected.tasks)
        or done.collected.question is not None
    )

    def refs(_: State | None) -> list[RefUpdate]:
        updates = []
        if to_branch:
            updates.append(RefUpdate(branch, head, done.branch_tip))
        if to_branch or verdict.outcome is Outcome.OUT_OF_SCOPE:
            updates.append(RefUpdate(attempt_ref(project, task, number), work, None))
        return updates

    def change(old: State | None) -> dict[str, Any]:
        assert old is not None, "a fenced event has a state before it"
        return end_of_attempt(
            project, old, verdict, head=head if to_branch else None, handoff=path if to_branch else None,
            session=done.report.session, usage=done.report.usage, model=_name_model(done), question=done.collected.question,
            retry_after_s=done.report.retry_after_s, heard=done.heard,
        )  # fmt: skip

    def event_for() -> EventName:
        if OUTCOMES[verdict.outcome].good:
            return "published"
        return "asked" if verdict.outcome is Outcome.NEEDS_INPUT else "failed"

    stopped = verdict.outcome is Outcome.STOPPED
    if stopped and done.interrupted:
        _advance(project, task, "stopped", {"reason": verdict.message, "lease": None}, done.claim.run)
    event: EventName = "checkpointed" if stopped else event_for()
    return advance(
        project, task, event, change, run=done.claim.run, also=refs, by=done.around.settings.agent_name, patience=_PATIENCE
    )  # fmt: skip


def _advance(project: Project, task: str, event: EventName, fields: dict[str, Any], run: str) -> Tip:
    def ours(old: State | None) -> None:
        if old is None or old.run != run:
            raise LeaseLost(task, run, None)

    return advance(project, task, event, lambda _: fields, expect=ours)


def _name_model(done: Finished) -> str | None:
    """The model that did it; a name that was only asked for may stand for another one every month."""
    return done.report.model or done.around.settings.model


def end_of_attempt(
    project: Project, old: State, verdict: Verdict, *, head: str | None, handoff: str | None, session: str | None = None,
    usage: object = None, question: str | None = None, retry_after_s: float | None = None,
    heard: Collection[str] | None = None, model: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The fields of the state after an attempt: its entry closed, the next try timed, guidance used up as far as it was
    ``heard`` (None: all of it).
    """
    now = project.refs.now()
    good = OUTCOMES[verdict.outcome].good
    attempts: Sequence[Any] = old.attempts
    ended = attempts[-1].model_copy(
        update={
            "ended": render_time(now),
            "outcome": verdict.outcome,
            "message": verdict.message[:2000],
            "head": head,
            "handoff": handoff,
            "session": session,
            "usage": usage,
            "model": model,
        }
    )
    limit = old.attempt_limit or old.attempt
    if verdict.outcome in (Outcome.BLOCKED, Outcome.AGENT_REFUSED, Outcome.AUTH, Outcome.GUARD_REFUSED):
        limit = old.attempt  # trying again without a person would only repeat it
    fails = sum(1 for a in (*attempts[:-1], ended) if a.outcome and not OUTCOMES[a.outcome].good)
    wait = _find_wait(project, verdict.outcome, fails, retry_after_s)
    return {
        "attempts": (*attempts[:-1], ended),
        "attempt_limit": limit,
        "lease": None,
        "head": head or old.head,
        "question": question if verdict.outcome is Outcome.NEEDS_INPUT else None,
        "reason": None if good else verdict.message[:2000],
        "retry_at": None if good or limit <= old.attempt else render_time(now + timedelta(seconds=wait)),
        "guidance": tuple(g for g in old.guidance if heard is not None and g not in heard)
        if good
        else old.guidance,
    }


_OTHER_ENDS: dict[Outcome, EventName] = {Outcome.TAKEN_OVER: "taken_over", Outcome.STOPPED: "stopped"}


def _find_wait(project: Project, outcome: Outcome, failures: int, retry_after_s: float | None) -> float:
    """Seconds until the next attempt may begin. Where the cause may pass by itself, many have failed at once, and
    they shall not all come back at once.
    """
    retries = project.repo.config.retries
    if not OUTCOMES[outcome].transient:
        return bound_backoff(failures, retries.backoff, retries.backoff_max)
    chance = draw_chance(project)
    return draw_backoff(
        failures, retries.backoff, retries.backoff_max, chance=chance, retry_after_s=retry_after_s
    )


def record_failure(project: Project, claim: Claim, verdict: Verdict) -> Tip:
    """Record an attempt that could not begin, in which the runner itself failed, which a person broke off, or which
    stepped back because somebody works on the branch.
    """
    event = _OTHER_ENDS.get(verdict.outcome, "failed")

    def ours(old: State | None) -> None:
        if old is None or old.run != claim.run:
            raise LeaseLost(claim.entry.row.id, claim.run, None)

    def change(old: State | None) -> dict[str, Any]:
        fields = end_of_attempt(project, old or claim.tip.state, verdict, head=None, handoff=None)
        return fields | ({"claimed_by": None} if event == "taken_over" else {})

    return advance(project, claim.entry.row.id, event, change, run=claim.run, expect=ours)


# -- review ------------------------------------------------------------------------------------------------


def open_review(project: Project, done: Finished, published: Published, log: AttemptLog) -> Published:
    """Open the review, or bring it up to date. The fence is checked once more right before. What fails here
    leaves a published branch, so it is a warning: running again, or a person, can open it.
    """
    task, state = done.claim.entry.row.id, published.tip.state
    assert state.branch is not None
    body = render_review_body(
        task, done.around.task, published.handoff, path=done.around.path, watch_url=state.watch_url
    )
    try:
        forge = project.open_forge(project.repo)
        _check_fence(project, task, done.claim.run)
        review = forge.publish_review(state.branch, project.repo.base.branch, done.around.task.title, body)
        tip = published.tip
        if review.number is not None:
            pull = PullRequest(number=review.number, url=review.url)
            tip = advance(
                project, task, "review_opened", lambda _: {"pull_request": pull}, run=done.claim.run
            )
    except BatonError as error:
        warning = f"the branch is published, but no pull request was opened: {error.message}"
        log.say("review", warning)
        return published._replace(warning=warning + (f" ({error.hint})" if error.hint else ""))
    log.say("review", f"review it at {review.url}" if review.url else f"review it with: baton review {task}")
    return published._replace(tip=tip, review=review)


def _check_fence(project: Project, task: str, run: str) -> None:
    """Raises ``LeaseLost`` when the work that was just published is not ours to show any more."""
    project.refs.fetch()
    tip = read_tip(project, task)
    if tip is None or tip.state.run != run or tip.state.status != "in_review":
        holder = tip.state.claimed_by if tip else None
        raise LeaseLost(task, run, holder.name if holder and tip and tip.state.run != run else None)
