"""What happens to a task once nothing holds it back, as a story drawn from the past. Pure: randomness comes in as a source of
numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.domain.experience import Review, Try

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gitbaton.domain.experience import Experience

Begin = Literal["ready", "running", "by_hand", "review", "answer", "decision", "approval"]
#: Kinds of phases. Only an attempt of an agent takes a lane.
LANE, BY_HAND, REVIEW, ANSWER, DECISION, PAUSE = range(6)
PEOPLE = (REVIEW, ANSWER, DECISION)
Phase = tuple[int, float]
Story = list[Phase]
#: Nobody tries more often; a story that gets here has an end all the same.
_TRIES_MAX = 100


class OpenTask(NamedTuple):
    """A task that is to be done. ``needs`` are open tasks that must be done before; without ``tries`` it is done when
    they are (a parent). ``rank`` is its place in the queue. ``begins`` says where it stands, ``since_s`` for how long;
    ``tries_left`` how many attempts may fail before a person decides; ``paths`` are globs of files it occupies while it
    runs and is in review.
    """

    id: str
    needs: tuple[str, ...]
    rank: tuple[object, ...]
    tries: tuple[Try, ...]
    begins: Begin = "ready"
    since_s: float = 0.0
    pause_s: float = 0.0
    tries_left: int = 3
    paths: tuple[str, ...] = ()


def iter_stories(task: OpenTask, lived: Experience, draw: Callable[[], float]) -> Iterator[Story]:
    """Stories of a task, one for each run, without end. What has begun is drawn from what took longer than it has
    taken so far; where nothing did, as if it began just now.
    """
    if not task.tries:
        while True:
            yield []
    decisions, answers = lived.find_lots()
    first: Story = [(PAUSE, task.pause_s)] if task.pause_s > 0 else []
    waits = {
        "answer": (ANSWER, answers),
        "decision": (DECISION, decisions),
        "approval": (DECISION, decisions),
    }
    kind, lots = waits.get(task.begins, (PAUSE, ()))
    rest = _outlast(lots, task.since_s)
    tries, reviews = task.tries, lived.reviews
    begun = task.begins in ("running", "by_hand")
    late_tries = _outlast_tries(tries, task.since_s) if begun else ()
    late_reviews = _outlast_reviews(reviews, task.since_s) if task.begins == "review" else ()
    while True:
        story = list(first)
        if rest:
            story.append((kind, _pick(rest, draw)))
        left = task.tries_left
        again = task.begins != "review" or _add_review(story, late_reviews, decisions, draw)
        for n in range(_TRIES_MAX if again else 0):
            lots_now = late_tries if begun and n == 0 else tries
            seconds, end = lots_now[int(draw() * len(lots_now))]
            story.append((BY_HAND if task.begins == "by_hand" and n == 0 else LANE, seconds))
            if end == "good":
                if not _add_review(story, reviews, decisions, draw):
                    break
            elif end == "asked":
                story.append((ANSWER, _pick(answers, draw)))
            else:
                left -= 1
                decides = left <= 0
                story.append(
                    (DECISION, _pick(decisions, draw)) if decides else (PAUSE, _pick(lived.pauses, draw))
                )
        yield story


def has_outlasted(task: OpenTask, lived: Experience) -> bool:
    """Whether a task has been where it is for longer than anything that was measured."""
    decisions, answers = lived.find_lots()
    lots: Sequence[float] = ()
    if task.begins in ("running", "by_hand"):
        lots = [one.seconds for one in task.tries]
    elif task.begins == "review":
        lots = [review.seconds for review in lived.reviews]
    elif task.begins in ("answer", "decision"):
        lots = answers if task.begins == "answer" else decisions
    return bool(lots) and task.since_s >= max(lots)


def _add_review(
    story: Story, reviews: Sequence[Review], decisions: Sequence[float], draw: Callable[[], float]
) -> bool:
    """Add a review, if any was ever measured; whether another attempt follows."""
    if not reviews:
        return False
    seconds, then = reviews[int(draw() * len(reviews))]
    story.append((REVIEW, seconds))
    if then == "closed":
        story.append((DECISION, _pick(decisions, draw)))
    return then != "merged"


def _pick(lots: Sequence[float], draw: Callable[[], float]) -> float:
    return lots[int(draw() * len(lots))] if lots else 0.0


def _outlast(lots: Sequence[float], since_s: float) -> tuple[float, ...]:
    return tuple(lot - since_s for lot in lots if lot > since_s) or tuple(lots)


def _outlast_tries(tries: Sequence[Try], since_s: float) -> tuple[Try, ...]:
    late = tuple(Try(one.seconds - since_s, one.end) for one in tries if one.seconds > since_s)
    return late or tuple(tries)


def _outlast_reviews(reviews: Sequence[Review], since_s: float) -> tuple[Review, ...]:
    late = tuple(Review(one.seconds - since_s, one.then) for one in reviews if one.seconds > since_s)
    return late or tuple(reviews)
