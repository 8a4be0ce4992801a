"""``baton finish``: a person's work goes to review by the same guards, checks and records as an agent's.

Checks run in the person's checkout, because that is where what they need is installed; it must hold nothing but what
is committed, so that what is checked is what is published. ``fresh`` runs them in a private clone instead. What guards
keep agents from (protected files, paths outside of the task's) a person may do for a reason, which the handoff tells;
a secret, a link that leads out, a submodule, or what is too large is nobody's to publish. Nothing is recorded of a
finish that is refused: the person goes on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.guards import PROTECTED, judge_change
from gitbaton.domain.handoff import Handoff
from gitbaton.domain.outbox import Collected
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage
from gitbaton.domain.verdict import DOCUMENT_TYPES, Verdict
from gitbaton.errors import AttemptFailed, Refusal, UsageError
from gitbaton.ports import AgentReport, RefUpdate
from gitbaton.store.capture import compare_trees
from gitbaton.store.documents import edit_document
from gitbaton.store.edits import queue_writers
from gitbaton.store.git import Git, commit_tree, find_merge_base, read_objects, write_blob, write_tree_with
from gitbaton.store.layout import handoff_path
from gitbaton.store.live import render_time
from gitbaton.store.merging import CheckedOut, move_along, move_branch, recover_followings
from gitbaton.store.ownbranch import refuse_unclean
from gitbaton.store.workplace import build_environment, make_workplace, place_at, remove_workplace
from gitbaton.store.yamledit import SetField
from gitbaton.usecases.attempt import Finished
from gitbaton.usecases.attempt_log import AttemptLog, log_path
from gitbaton.usecases.checks import run_checks
from gitbaton.usecases.context import check_fields, refuse_result
from gitbaton.usecases.handoffs import find_superseded, render_handoff
from gitbaton.usecases.joining import Joined
from gitbaton.usecases.material import CLAUDE_KEYS, Surroundings, read_surroundings
from gitbaton.usecases.ownwork import Own, find_published, get_own
from gitbaton.usecases.project import Project, refuse_inside
from gitbaton.usecases.publish import Published, end_of_attempt, open_review
from gitbaton.usecases.transitions import advance
from gitbaton.usecases.work import attempt_ref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitbaton.domain.guards import ChangedFile, Finding
    from gitbaton.domain.handoff import CheckResult
    from gitbaton.domain.state import State
    from gitbaton.store.live import Tip
    from gitbaton.usecases.attempt_log import RunEvent

_PATIENCE = 4
#: Settings that steer agents: a person's own notes, tasks and plans beside them are free.
_SETTINGS = ("tasks/config.yaml", "tasks/roles/", "tasks/workflows/")
_FORGE_KEYS = ("GITHUB_TOKEN", "GH_TOKEN", "BATON_GITHUB_TOKEN")
_SHOWN = 5


class FinishedByHand(NamedTuple):
    """A person's work that went to review. ``overridden`` is what was published for a reason of theirs."""

    published: Published
    branch: str
    head: str
    overridden: tuple[str, ...]


def finish_task(
    project: Project,
    text: str | None,
    fields: Mapping[str, Any],
    on_event: Callable[[RunEvent], None],
    *,
    because: str | None = None,
    result: object = None,
    fresh: bool = False,
) -> FinishedByHand:
    """Publish what the person committed on their task branch. ``fields`` are those of ``AgentHandoff``. Raises
    ``Refusal``: ``dirty-files``, ``not-checked-out``, ``no-change``, ``guard-refused``, what ``get_own`` raises; and
    ``AttemptFailed`` (``checks-failed``). Then nothing has changed.
    """
    refuse_inside(project, "finish tasks", hint="hand it over with complete_task")
    said = check_fields(fields).model_dump(mode="json", exclude_defaults=True)
    own = get_own(project, text)
    project, claim = own.project, own.claim
    task, state = claim.entry.row.id, claim.tip.state
    if own.place is None or own.head is None:
        raise Refusal(
            f"{own.branch} is checked out nowhere here", code="not-checked-out", hint=f"get it with: baton start {task}"
        )  # fmt: skip
    base = project.repo.base.commit or claim.base
    around = read_surroundings(project, claim.entry.row.path, base)
    _refuse_loose(own, own.place)
    published = find_published(project, own)
    start = find_merge_base(project.repo.git, base, own.head) or claim.base
    changes = compare_trees(
        project.repo.git, start, own.head, file_max=(guards := project.repo.config.guards).max_file_bytes,
        total_max=guards.max_total_bytes,
    )  # fmt: skip
    delivered = _refuse_nothing(project, own, around, changes, said, result)
    overridden = _judge(project, around, changes, because)
    log = AttemptLog(project, log_path(project, task, state.attempt, claim.run), on_event)
    checks = _check(project, own, around, log, fresh=fresh)
    verified = bool(checks)
    words = (
        f"{len(checks)} check{'s' if len(checks) != 1 else ''} passed"
        if checks
        else "unverified: no checks are configured"
    )
    verdict = Verdict(Outcome.DELIVERED if delivered else Outcome.SUCCEEDED, words, verified)
    names = [c.path for c in changes]
    handoff = _make_handoff(
        project, own, said, verdict, checks, names, result=result, override=(overridden, because)
    )
    done = Finished(
        claim, around, place_at(project.repo, project.cache / "none"), Joined(own.head, own.head), published, "", changes,
        AgentReport(verdict.outcome, words, Usage()), Collected(), checks, verdict, {}, interrupted=False,
    )  # fmt: skip
    path = handoff_path(task, project.clock(), claim.run)
    head = _commit(project, own, around, handoff, path)
    tip = _publish(project, own, verdict, published, head, path)
    log.say("publish", f"in review: branch {own.branch} at {head[:10]}")
    opened = open_review(project, done, Published(tip, verdict, handoff), log)
    return FinishedByHand(opened, own.branch, head, overridden)


# -- judging -------------------------------------------------------------------------------------------------


def _refuse_loose(own: Own, place: Git) -> None:
    hint = "commit what belongs to it; stash, delete or ignore the rest"
    refuse_unclean(own.project.repo, place, "finishing", hint, untracked=True)


def _refuse_nothing(
    project: Project, own: Own, around: Surroundings, changes: Sequence[ChangedFile], said: Mapping[str, Any], result: object
) -> bool:  # fmt: skip
    """Whether a document alone is delivered. Raises ``Refusal`` when there is neither that nor a change."""
    task, state = own.claim.entry.row.id, own.claim.tip.state
    if around.task.result_schema is not None or result is not None:
        refuse_result(task, around.task, result)
    names = [c.path for c in changes]
    if state.claimed_from == "changes_requested" and state.head and own.head:  # what was rejected is no news
        names = [c.path for c in compare_trees(project.repo.git, state.head, own.head)]
    if any(not name.startswith("tasks/") for name in names):
        return False
    if around.task.result_schema is not None or (around.task.type in DOCUMENT_TYPES and said.get("summary")):
        return True
    raise Refusal(
        f"there is nothing on {own.branch} that {project.repo.base.branch} has not", code="no-change",
        hint=f"commit your work there; to say that it is done without any: baton done {task}",
    )  # fmt: skip


def _judge(
    project: Project, around: Surroundings, changes: Sequence[ChangedFile], because: str | None
) -> tuple[str, ...]:
    """What is published for a reason of the person's. Raises ``Refusal`` (``guard-refused``)."""
    guards = project.repo.config.guards
    theirs = [c.path for c in changes if c.path.startswith("tasks/") and not c.path.startswith(_SETTINGS)]
    names = (*around.settings.secrets, *CLAUDE_KEYS, *_FORGE_KEYS)
    secrets = {n: project.environment[n] for n in names if project.environment.get(n)}
    strict = guards.model_copy(update={"allow": (*guards.allow, *theirs)})
    found: list[Finding] = [
        f for f in judge_change(changes, paths=around.task.paths, guards=strict, secrets=secrets)
        if not (f.kind == "scope" and f.path in theirs)
    ]  # fmt: skip
    if not found:
        return ()
    loose = guards.model_copy(update={"allow": (*guards.allow, *PROTECTED, *theirs)})
    hard = judge_change(changes, paths=(), guards=loose, secrets=secrets)
    shown = hard or ([] if because else found)
    if shown:
        more = f"; and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        raise AttemptFailed(
            "; ".join(f.message for f in shown[:_SHOWN]) + more, code="guard-refused",
            hint="take it out of the branch" if hard else 'take it out of the branch, or say why: baton finish --because "…"',
            data={"paths": [f.path for f in shown]},
        )  # fmt: skip
    return tuple(f.message for f in found)


def _check(
    project: Project, own: Own, around: Surroundings, log: AttemptLog, *, fresh: bool
) -> tuple[CheckResult, ...]:
    task, state, place = own.claim.entry.row.id, own.claim.tip.state, own.place
    assert place is not None, "it was asked for"
    assert own.head is not None, "as was this"
    if fresh:
        root = project.cache / f"{task}-{state.attempt}-{own.claim.run}-finish"
        work = make_workplace(project.repo, root, start=own.head, branch=own.branch)
        author = around.settings.author
        env = build_environment(
            project.environment, around.settings.agent.env, work, (author.name, author.email)
        )
        try:
            checks = run_checks(project, around, work, env, log)
        finally:
            remove_workplace(project.repo, root)
    else:
        work = place_at(project.repo, place.where)._replace(work=place.where)
        checks = run_checks(project, around, work, dict(project.environment), log)
    failed = [c.name for c in checks if not c.passed]
    if failed:
        where = "a fresh clone" if fresh else os.fspath(place.where)
        raise AttemptFailed(
            f"{', '.join(failed)} did not pass, in {where}", code="checks-failed",
            hint="mend it, commit that, and finish again" + ("" if fresh else "; --fresh runs them in a clean clone"),
            data={"checks": [c.model_dump(mode="json") for c in checks]},
        )  # fmt: skip
    if not fresh:
        _refuse_loose(own, place)  # a check may have changed files
    return checks


# -- recording -----------------------------------------------------------------------------------------------


def _make_handoff(
    project: Project, own: Own, said: Mapping[str, Any], verdict: Verdict, checks: Sequence[CheckResult], names: Sequence[str],
    *, result: object, override: tuple[Sequence[str], str | None],
) -> Handoff:  # fmt: skip
    state = own.claim.tip.state
    overridden, because = override
    decisions = list(said.get("decisions", ()))
    if overridden:
        decisions.append(
            {"decision": "Published although " + "; ".join(overridden[:_SHOWN]), "reason": because}
        )
    value = {
        **said, "task": own.claim.entry.row.id, "attempt": state.attempt, "run": own.claim.run, "agent": project.actor,
        "created": render_time(project.clock()), "outcome": verdict.outcome.value, "verified": verdict.verified,
        "summary": said.get("summary") or _tell_commits(project, own), "decisions": decisions, "files_modified": sorted(names)[:10_000],
        "checks": [c.model_dump(mode="json") for c in checks], "next_action": "complete", "result": result,
        "supersedes": find_superseded(state)[-500:],
    }  # fmt: skip
    try:
        return Handoff.model_validate(value)
    except ValueError as error:
        raise UsageError(
            f"the handoff does not fit: {error}", code="bad-field", hint="say it more shortly"
        ) from None


def _tell_commits(project: Project, own: Own) -> str:
    """What the person's own commits say, oldest first."""
    base = project.repo.base.commit or own.claim.base
    out = project.repo.git.text("log", "--reverse", "--no-merges", "--format=%s", f"{base}..{own.head}")
    ours = (f"Finish {own.claim.entry.row.id}", f"Leave a handoff for {own.claim.entry.row.id}")
    return "\n".join(line for line in out.splitlines()[-20:] if line not in ours)


def _commit(project: Project, own: Own, around: Surroundings, handoff: Handoff, path: str) -> str:
    """One commit with the handoff and ``status: done``, on top of the person's."""
    git, task, state = project.repo.git, own.claim.entry.row.id, own.claim.tip.state
    text = read_objects(git, [f"{own.head}:{around.path}"])[0] or around.text
    done = edit_document(text, around.path, "task", [SetField(("status",), "done")])
    files = {path: render_handoff(handoff, path), around.path: done}
    blobs = {p: ("100644", write_blob(git, data)) for p, data in files.items()}
    tree = write_tree_with(git, f"{own.head}^{{tree}}", blobs)
    trailers = f"Baton-Task: {task}\nBaton-Attempt: {state.attempt}\nBaton-Run: {own.claim.run}\n"
    return commit_tree(git, tree, [own.head or ""], f"Finish {task}\n\n{trailers}", sign=True)


def _publish(
    project: Project, own: Own, verdict: Verdict, published: str | None, head: str, path: str
) -> Tip:
    """State, task branch and attempt in one step, and the person's checkout along with them."""
    repo, task, number = project.repo, own.claim.entry.row.id, own.claim.tip.state.attempt
    ref = f"refs/heads/{own.branch}"
    tips: list[Tip] = []

    def change(old: State | None) -> dict[str, Any]:
        assert old is not None, "a fenced event has a state before it"
        return end_of_attempt(project, old, verdict, head=head, handoff=path)

    def refs(_: State | None) -> list[RefUpdate]:
        return [RefUpdate(ref, head, published), RefUpdate(attempt_ref(project, task, number), head, None)]

    def move() -> None:
        tips.append(
            advance(
                project,
                task,
                "published",
                change,
                run=own.claim.run,
                also=refs,
                by=project.actor,
                patience=_PATIENCE,
            )
        )
        if repo.remote:
            move_branch(repo, ref, head, own.head, f"finish {task}")

    assert own.place is not None, "it was asked for"
    with queue_writers(repo):
        recover_followings(repo)
        move_along(repo, CheckedOut(own.place, ref, own.head), head, move)
    return tips[0]
