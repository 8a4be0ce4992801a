"""Peer review: a second agent reads work that passed its checks, before a person is asked to. Pure.

What it is told, what it hands in, and what the first agent is told of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.markdown import fence, join_parts, quote, section
from gitbaton.domain.wording import shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.handoff import CheckResult, PeerFinding, PeerReview
    from gitbaton.domain.outbox import AgentHandoff
    from gitbaton.domain.role import Role
    from gitbaton.domain.task import Task

ROLE = "reviewer"
_FINDINGS_MAX, _TEXT_MAX, _LINE_MAX = 40, 2000, 300
#: Characters of the diff that stand in the briefing; the rest is read in the folder.
_DIFF_MAX, _FILE_MAX = 60_000, 20_000

_TEXT = {"type": "string", "minLength": 1, "maxLength": _TEXT_MAX, "pattern": r"\S"}
#: What is handed in.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["verdict", "summary", "findings"],
    "additionalProperties": False,
    "properties": {
        "verdict": {"enum": ["accept", "change"], "description": "change: something must be mended first"},
        "summary": {**_TEXT, "description": "what you think of the work, in a sentence or two"},
        "findings": {
            "type": "array",
            "maxItems": _FINDINGS_MAX,
            "items": {
                "type": "object",
                "required": ["place", "what", "why", "weight"],
                "additionalProperties": False,
                "properties": {
                    "place": {
                        **_TEXT,
                        "maxLength": _LINE_MAX,
                        "description": "a path, with a line: src/api.py:12",
                    },
                    "what": {**_TEXT, "description": "what is wrong, or missing, and what would be right"},
                    "why": {**_TEXT, "description": "what goes wrong if it stays"},
                    "weight": {
                        "enum": ["must", "should", "note"],
                        "description": "must: to be mended before it is merged; should: better so; note: worth knowing",
                    },
                },
            },
        },
    },
}


class File(NamedTuple):
    """A changed file: git's letter, lines added and removed, and its patch (empty for a binary one)."""

    path: str
    kind: str
    added: int
    removed: int
    patch: str


class Work(NamedTuple):
    """What is reviewed. ``earlier`` is the review before this one, if the author has worked on since; ``said`` what the
    author handed in with the work.
    """

    task_id: str
    task: Task
    files: Sequence[File]
    checks: Sequence[CheckResult]
    said: AgentHandoff
    earlier: PeerReview | None = None


def render_peer_briefing(work: Work, role: Role | None) -> str:
    """What the second agent is told."""
    parts = [
        f"# Review of {work.task_id}: {work.task.title}",
        (
            "Another agent did the work below, and its checks passed. You are the second pair of eyes, before a person is asked "
            "to merge it. Your folder shows the repository with the work in it; what you change there is thrown away. Judge."
        ),
        _role(role),
        section("What was wanted", work.task.description),
        section("It is done when", "\n".join(f"- {a.text.strip()}" for a in work.task.acceptance)),
        section("What was settled later", "\n".join(f"- {c.text.strip()}" for c in work.task.clarifications)),
        section("What its author says", _author(work.said)),
        section("Checks that ran", _checks(work.checks)),
        _earlier(work.earlier),
        section("What was changed", _diff(work.files)),
        section("How to judge", _HOW),
    ]
    return join_parts(parts)


_HOW = (
    "Look for what checks don't see: whether each acceptance criterion really holds, wrong or missing cases, errors that are "
    "swallowed, holes in security, tests that would pass without the change, and work that nobody asked for. Read the code "
    "around a change, not the diff alone. Style that the repository itself doesn't keep is no finding.\n\n"
    "Each finding has a `place`, `what` is wrong and `why` that matters, and a `weight`. Give `must` only to what must not be "
    "merged as it is, and be sure of it: it goes back to the author. Hand in `change` if there is such a finding, else `accept`, "
    "with what you noted. Nothing found is a fine result."
)


def _role(role: Role | None) -> str:
    if role is None:
        return ""
    done = "\n".join("- " + d.strip().replace("\n", "\n  ") for d in role.definition_of_done)
    body = [
        (role.purpose or "").strip(),
        (role.guidance or "").strip(),
        f"A review is done when:\n\n{done}" if done else "",
    ]
    return section(f"Your role: {role.title or ROLE}", "\n\n".join(p for p in body if p))


def _author(said: AgentHandoff) -> str:
    texts = [said.summary] if said.summary else []
    texts += [
        f"Decided: {d.decision}" + (f", because {d.reason}" if d.reason else "") for d in said.decisions
    ]
    texts += [f"Not finished: {r}" for r in said.remaining]
    return "\n\n".join(quote(t) for t in texts)


def _checks(checks: Sequence[CheckResult]) -> str:
    if not checks:
        return "None are configured: nothing but this review and a person's stands behind the work."
    return "\n".join(f"- {c.name}: {'passed' if c.passed else 'failed'}" for c in checks)


def _earlier(review: PeerReview | None) -> str:
    if review is None or not review.findings:
        return ""
    listed = "\n".join(
        f"- ({f.weight}) {f.place}: {shorten_to_line(f.what, _LINE_MAX)}" for f in review.findings
    )
    return section(
        "What was found before",
        "The work was reviewed before, and its author has worked on since. See whether these still hold; don't take a finding "
        f"up again that was answered with a good reason:\n\n{quote(listed)}",
    )


def _diff(files: Sequence[File]) -> str:
    if not files:
        return "No file."
    texts = ["\n".join(f"- `{f.path}` ({f.kind}, +{f.added} -{f.removed})" for f in files)]
    room, left_out = _DIFF_MAX, []
    for file in files:
        if not file.patch:
            continue
        if len(file.patch) > min(room, _FILE_MAX):
            left_out.append(file.path)
            continue
        room -= len(file.patch)
        texts.append(f"`{file.path}`:\n\n{fence(file.patch.rstrip())}")
    if left_out:
        texts.append(
            "Too long to stand here; read them in your folder: " + ", ".join(f"`{p}`" for p in left_out)
        )
    return "\n\n".join(texts)


# -- what is handed in -------------------------------------------------------------------------------------


def judge_review(value: Any) -> list[str]:
    """What is wrong with a review that fits ``SCHEMA``."""
    musts = [f for f in value["findings"] if f["weight"] == "must"]
    if value["verdict"] == "change" and not musts:
        return [
            "verdict: change needs a finding with weight must; if nothing must be mended, accept, and keep your findings"
        ]
    if value["verdict"] == "accept" and musts:
        return [
            f"verdict: accept does not go with {len(musts)} finding(s) of weight must: ask for a change, or weigh them lower"
        ]
    return []


def read_review(value: Any, *, agent: str, reviews: int) -> PeerReview:
    """A review that was handed in and taken."""
    # Here, so that whoever only tells of reviews loads no models.
    from gitbaton.domain.handoff import PeerFinding, PeerReview

    findings = tuple(PeerFinding.model_validate(f) for f in value["findings"])
    ranked = tuple(sorted(findings, key=lambda f: ("must", "should", "note").index(f.weight)))
    return PeerReview(
        agent=agent, verdict=value["verdict"], summary=value["summary"], findings=ranked, reviews=reviews
    )


# -- what becomes of it ------------------------------------------------------------------------------------


def list_musts(review: PeerReview | None) -> list[PeerFinding]:
    """The findings that must be mended; none of a review that accepts."""
    return [f for f in review.findings if f.weight == "must"] if review and review.verdict == "change" else []


def say_verdict(review: PeerReview) -> str:
    """The review in a few words, to go behind those on the checks."""
    if review.verdict is None:
        return f"no second agent reviewed it: {review.error}"
    count = len(list_musts(review))
    if count:
        return f"a second agent still wants {count} change{'s' if count != 1 else ''}"
    return "a second agent accepts it"


def render_review_feedback(review: PeerReview, *, number: int, most: int) -> str:
    """What the author is told: round ``number`` of ``most``."""
    musts = list_musts(review)
    others = [f for f in review.findings if f.weight == "should"]
    parts = [
        f"## Not done yet: round {number} of {most}",
        "A second agent reviewed your work. This must be mended before a person is asked to look at it:",
        quote("\n".join(_describe(f) for f in musts)),
    ]
    if others:
        parts += ["Mend this, too, where you agree:", quote("\n".join(_describe(f) for f in others))]
    parts.append(
        "Look for yourself whether each finding is right. Where it is not, leave the work as it is and say why in your decisions. "
        "What you did so far stands in your folder. Go on there, and end as you were asked to before."
    )
    return "\n\n".join(parts) + "\n"


def _describe(finding: PeerFinding) -> str:
    why = f" Why it matters: {finding.why.strip()}" if finding.why else ""
    what = finding.what.strip()
    end = "." if why and what[-1] not in ".!?:`" else ""
    return f"- {finding.place}: {what}{end}{why}".replace("\n", "\n  ")


def render_review_section(review: PeerReview) -> str:
    """The review as a person reads it, in a pull request or a terminal: Markdown without a heading."""
    who = review.agent or "A second agent"
    if review.verdict is None:
        return f"No second agent reviewed it: {review.error}."
    times = f", after {review.reviews} reviews" if (review.reviews or 1) > 1 else ""
    said = "accepts it" if review.verdict == "accept" else "wants changes that were not made"
    lines = [f"{who}, as reviewer, {said}{times}. {(review.summary or '').strip()}".rstrip()]
    marks = {"must": "**must**", "should": "should", "note": "note"}
    if review.findings:
        lines.append("")
    lines += [
        f"- {marks[f.weight]} `{f.place}`: {f.what.strip()}".replace("\n", "\n  ") for f in review.findings
    ]
    return "\n".join(lines)
