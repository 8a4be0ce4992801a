"""Every command, killed or failing at every git call and every file write: a fresh process reads a valid board,
the same command again comes to the same end as without the disturbance, and nothing is lost.

Each point is a process of its own. The suite takes points at regular distances; with ``GITBATON_SOAK=1`` it
takes all.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from support.disturbance import WAYS, Disturbance, Launcher
from support.disturbance_scene import LATER_S, Scene, explain, make_scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.cli import Said

pytestmark = pytest.mark.promise("command.survives")

SOAK = bool(os.environ.get("GITBATON_SOAK"))
#: Expected ends of a command that could not do its work: a refusal, a failed attempt, try again.
FAILED = (1, 4, 75)


class Deed(NamedTuple):
    """A command to disturb: its words, what is done before it, what else has to be done when it is repeated (a
    lease must pass), how many points of each kind the suite takes, and codes by which the repeated command may say that
    it is done already.
    """

    words: tuple[str, ...]
    prepare: Callable[[Scene], None] = lambda _: None
    ahead_s: float = 0.0
    points: int = 2
    already: tuple[str, ...] = ()
    writes: bool = True


def _finish(scene: Scene) -> None:
    ran = scene.run("run", "job").said
    assert ran.code == 0, explain(ran)


def _close(scene: Scene) -> None:
    for words in (("set", "job", "status=done", "--push"), ("sync",)):
        said = scene.run(*words).said
        assert said.code == 0, explain(said)


def _leave_half_done(scene: Scene) -> None:
    """An edit is killed when its branch has moved and nothing else has."""
    words = ("set", "job", "priority=high")
    trial = scene.copy("trial")
    trace = trial.run(*words, disturbance=Disturbance("git", "before"))
    trial.remove()
    at = next(n for n, event in enumerate(trace.events, 1) if " update-ref " in event)
    said = scene.run(*words, disturbance=Disturbance("git", "after", at)).said
    assert said.code == -9, explain(said)


def _merge_elsewhere(scene: Scene) -> None:
    """Somebody merges the published work by hand and pushes."""
    _finish(scene)
    other = scene.work.clone("other")
    other.git("merge", "--quiet", "--no-ff", "-m", "By hand", "origin/baton/job")
    other.git("push", "--quiet", "origin", "main")


DEEDS = {
    "set": Deed(("set", "job", "priority=high"), points=4),
    "set-push": Deed(("set", "job", "priority=high", "--push"), points=1),
    "set-base": Deed(("set", "job", "priority=high", "--base"), points=1),
    "archive": Deed(("archive", "job"), _close, points=1, already=("archived",)),
    "doctor": Deed(("doctor", "--fix"), _leave_half_done, points=1),
    "add": Deed(("add", "Fresh", "--id", "fresh"), already=("taken-id",)),
    "claim": Deed(("claim", "job"), already=("not-claimable",), writes=False),
    "accept": Deed(("accept", "job"), _finish, already=("not-in-review",)),
    "sync": Deed(("sync",), _merge_elsewhere, writes=False),
    "run": Deed(("run", "job"), ahead_s=LATER_S, already=("not-claimable",)),
}


class Stage(NamedTuple):
    """A deed prepared, what it comes to undisturbed, and the events of both kinds on the way."""

    scene: Scene
    end: dict[str, Any]
    events: dict[str, list[str]]


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    with Launcher(tmp_path_factory.mktemp("launcher")) as started:
        yield started


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, launcher: Launcher) -> Callable[[str], Stage]:
    """Prepares a deed once for all its tests."""
    known: dict[str, Stage] = {}

    def prepare(name: str) -> Stage:
        if name not in known:
            scene = make_scene(tmp_path_factory.mktemp(name) / "scene", launcher)
            DEEDS[name].prepare(scene)
            events = {}
            end: dict[str, Any] = {}
            for kind in ("git", "file"):
                trial = scene.copy(f"undisturbed-{kind}")
                trace = trial.run(*DEEDS[name].words, disturbance=Disturbance(kind, "before"))
                assert trace.said.code == 0, explain(trace.said)
                events[kind] = trace.events
                trial.check_board()
                end = trial.settle()
                trial.check_git()
                trial.remove()
            known[name] = Stage(scene, end, events)
        return known[name]

    return prepare


CASES = [(name, *way) for name, deed in DEEDS.items() for way in WAYS if deed.writes or way[0] == "git"]


@pytest.mark.parametrize(("name", "kind", "how"), CASES, ids=["-".join(case) for case in CASES])
@pytest.mark.timeout(7200 if SOAK else 300)
def test_disturbed(name: str, kind: str, how: str, stage: Callable[[str], Stage]) -> None:
    deed, ready = DEEDS[name], stage(name)
    events = ready.events[kind]
    assert events, "there is something to disturb"
    wrong = []
    for at in choose_points(len(events), deed.points, WAYS.index((kind, how))):
        scene = ready.scene.copy("disturbed")
        try:
            disturb(scene, deed, Disturbance(kind, how, at), ready.end)
        except AssertionError as error:
            wrong.append(f"{how} {kind} {at} of {len(events)} ({events[at - 1]}): {error}")
        finally:
            scene.remove()
    assert not wrong, f"{len(wrong)} points:\n" + "\n\n".join(wrong)


def choose_points(count: int, wanted: int, offset: int) -> range:
    """Event numbers at regular distances, other ones for each way; all of them in a soak."""
    stride = 1 if SOAK else max(1, count // wanted)
    return range(1 + offset % stride, count + 1, stride)


def disturb(scene: Scene, deed: Deed, disturbance: Disturbance, end: dict[str, Any]) -> None:
    """One point: the disturbed command, a look at the board, the same command again, and the same end."""
    before = scene.work.head()
    said = scene.run(*deed.words, disturbance=disturbance).said
    check_answer(said, disturbance)
    if said.code == 0:
        seen = scene.copy("seen")
        try:
            assert seen.settle() == end, "it said that all is done"
        finally:
            seen.remove()
    scene.check_board()
    assert scene.work.try_git("merge-base", "--is-ancestor", before, "HEAD").returncode == 0
    again = scene.run(*deed.words, "--json", ahead_s=deed.ahead_s).said
    assert again.code == 0 or json.loads(again.err)["code"] in deed.already, f"again: {explain(again)}"
    found = scene.settle()
    assert found == end
    scene.check_git()
    scene.check_work()


def check_answer(said: Said, disturbance: Disturbance) -> None:
    """Killed, or done all the same, or an error with a sentence and a way on; never a bug."""
    assert "Traceback" not in said.err, explain(said)
    if disturbance.how in ("before", "after", "torn"):
        assert said.code in (-9, 0), explain(said)
    elif said.code != 0:
        assert said.code in FAILED, explain(said)
        findings = re.search(r"^error\b|disk|No space", said.out, re.MULTILINE)  # doctor answers with those
        told = "error: " in said.err or findings
        assert told, explain(said)
