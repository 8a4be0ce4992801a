"""The story of the demo: what is done on stage, in which order, and the sentence before each step.

It holds for the scripted agent and for a real one. What the scripted one does is known; a real one may
fail elsewhere or nowhere, so the story looks at how each run ended and goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from gitbaton.errors import AttemptFailed

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

FAILED = 4
_TRIES = 4
_FIRST = "Hours or minutes may be missing: 2h and 45m are durations, too."
_REJECTED = "An error must name the line that it is about, like this: line 3: ..."
_GENERAL = (
    "The last attempt ended like this: {}. Run the tests yourself before you end, and mend what they find."
)


class Performed(NamedTuple):
    """A command that was carried out: its answer as ``--json`` gives it, and its exit code."""

    record: dict[str, Any]
    exit_code: int


class Performer(Protocol):
    """Carries out what the story says, and shows it."""

    def narrate(self, text: str) -> None:
        """Say what comes next, in a sentence."""

    def read(self, path: str) -> None:
        """Show a file of the repository."""

    def perform(self, *words: str, expect: Container[int] = (0,)) -> Performed:
        """Carry out ``baton WORDS`` and show the answer. Raises for an exit code that is not in ``expect``."""

    def perform_together(self, lines: Sequence[Sequence[str]], *, expect: Container[int]) -> list[Performed]:
        """Carry out several command lines that run attempts at once, each in a process of its own. Gives one
        answer for each task that was claimed, with ``task`` and ``message`` as ``run`` has them.
        """


def tell(p: Performer) -> None:
    """The whole story. Raises ``AttemptFailed`` when a task can't be brought to its end."""
    p.narrate("A plan is a few task files in git. The board folds them into states.")
    p.perform("list")
    p.narrate("A task file says what is wanted, and when it is done.")
    p.read("tasks/read-durations.yaml")

    p.narrate("An agent gets the next task. Its work counts if the check passes.")
    first = _run(p, ["run"], _FIRST)
    p.narrate("The check passed: the work waits on its branch for a review ...")
    p.perform("review", first, "--stat")
    p.narrate("... and is merged once accepted. The task is done, the next one ready.")
    p.perform("accept", first)

    p.narrate("The same again with the next task.")
    second = _run(p, ["run"])
    p.narrate("The check passed, but the reviewer wants more and sends it back.")
    p.perform("reject", second, "--guidance", _REJECTED)
    p.narrate("What was sent back comes first. It goes on with the same branch.")
    _run(p, ["run"])
    p.perform("accept", second)

    p.narrate("Two tasks are ready, two runners start: git decides who gets which.")
    pair = p.perform_together([["run"], ["run"]], expect=(0, FAILED))
    for ran in pair:
        _bring_to_review(p, ran)
    p.narrate("Both wait for review, each on a branch of its own.")
    for ran in pair:
        p.perform("accept", ran.record["task"]["id"])

    p.narrate("The last task needed them both.")
    last = _run(p, ["run"])
    p.perform("accept", last)


def _run(p: Performer, words: Sequence[str], guidance: str | None = None) -> str:
    """Run the task that is next until its work is in review, and give its id."""
    ran = p.perform(*words, expect=(0, FAILED))
    _bring_to_review(p, ran, guidance)
    task: str = ran.record["task"]["id"]
    return task


def _bring_to_review(p: Performer, ran: Performed, guidance: str | None = None) -> None:
    """Retry a task with guidance as long as its attempts fail. Raises ``AttemptFailed`` when it fails too often."""
    task = ran.record["task"]["id"]
    tries = 1
    while ran.exit_code == FAILED:
        if tries == _TRIES:
            raise AttemptFailed(
                f"{task} failed {tries} times in a row",
                code="demo-unfinished",
                hint=f"see why: baton show {task}",
            )
        p.narrate("That failed. Say what to do better, and let the agent try again.")
        p.perform("retry", task, "--guidance", guidance or _GENERAL.format(ran.record["message"]))
        ran = p.perform("run", task, expect=(0, FAILED))
        tries += 1
