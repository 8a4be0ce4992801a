"""Rows that commit: ``add``, ``set``, a resident process, many writers at once.

What git itself takes is measured in a second repository that is just alike, so that neither side's commits are news
to the other.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generate import Form, Repository
from measure import Side, Spread, run
from row import Figure, Row, Stage, change_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_RESIDENT = str(Path(__file__).with_name("resident.py"))
_WRITERS = 16


def _ours(stage: Stage, tasks: int) -> Form:
    return Form(tasks, stage.layout, stage.others, use="write")


def _flat(stage: Stage, tasks: int) -> Form:
    return Form(tasks, "flat", stage.others, use="write")


def _gits(stage: Stage, tasks: int) -> Form:
    return Form(tasks, stage.layout, stage.others, use="git")


def _both(stage: Stage, tasks: int) -> list[Form]:
    return [_ours(stage, tasks), _gits(stage, tasks)]


def _commit(path: str) -> list[tuple[str, ...]]:
    return [("git", "add", "--", path), ("git", "commit", "--quiet", "--message", "Change")]


# -- one commit ---------------------------------------------------------------------------------------------


def _set(stage: Stage, tasks: int) -> Figure:
    ours, gits = (stage.repository(form) for form in _both(stage, tasks))

    def baton(number: int) -> list[Sequence[str]]:
        task = ours.ready[number % len(ours.ready)]
        return [(stage.baton, "set", task, f"priority={_other_level(ours, task)}")]

    def git(number: int) -> list[tuple[str, ...]]:
        return _commit(change_line(gits, gits.ready[number % len(gits.ready)], number))

    return stage.compare(Side(ours.top, [], baton), Side(gits.top, [], git))


def _other_level(repository: Repository, task: str) -> str:
    text = (repository.top / repository.path(task)).read_text("utf-8")
    return "low" if "\npriority: high\n" in text else "high"


def _add(stage: Stage, tasks: int) -> Figure:
    ours, gits = (stage.repository(form) for form in _both(stage, tasks))
    pattern = (gits.top / gits.path(gits.ready[0])).read_text("utf-8")

    def baton(number: int) -> list[Sequence[str]]:
        return [(stage.baton, "add", f"Look at matter {number}", "--accept", "It is seen")]

    def git(number: int) -> list[tuple[str, ...]]:
        path = gits.path(f"look-at-matter-{number}")
        (gits.top / path).parent.mkdir(exist_ok=True)
        (gits.top / path).write_text(pattern, "utf-8")
        return _commit(path)

    return stage.compare(Side(ours.top, [], baton), Side(gits.top, [], git))


def _objects(form: Callable[[Stage, int], Form]) -> Callable[[Stage, int], Figure]:
    def measure(stage: Stage, tasks: int) -> Figure:
        repository = stage.repository(form(stage, tasks))
        sizes = []
        for number in range(min(stage.rounds, 3)):
            before = _list_objects(repository.top)
            task = repository.ready[-1 - number]
            run(
                (stage.baton, "set", task, f"priority={_other_level(repository, task)}"),
                repository.top,
                stage.env,
            )
            sizes.append([size for name, size in _list_objects(repository.top).items() if name not in before])
        return Figure(
            Spread.of([sum(found) / 1024 for found in sizes]),
            f"{len(sizes[-1])} objects, the largest {max(sizes[-1]) / 1024:,.1f} KiB",
        )

    return measure


def _list_objects(top: Path) -> dict[str, int]:
    """Sizes of the files that hold objects, loose or packed."""
    folder = top / ".git" / "objects"
    return {str(path): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


# -- many commits -------------------------------------------------------------------------------------------


def _resident(stage: Stage, tasks: int) -> Figure:
    ours, gits = (stage.repository(form) for form in _both(stage, tasks))
    rates: list[tuple[float, float]] = []
    for _ in range(min(stage.rounds, 3)):
        (said,) = _write_at_once(stage, ours, 1)
        begun, count = time.perf_counter(), 0
        while count < 2 or time.perf_counter() - begun < stage.run_s:
            for command in _commit(change_line(gits, gits.ready[count % len(gits.ready)], count)):
                run(command, gits.top, stage.env)
            count += 1
        rates.append((said["count"] / said["seconds"], count / (time.perf_counter() - begun)))
    mine, theirs = (Spread.of(column).median for column in zip(*rates, strict=True))
    return Figure(Spread.of([a / b for a, b in rates]), f"{mine:,.1f} ÷ {theirs:,.1f} commits/s")


def _write_at_once(stage: Stage, repository: Repository, writers: int) -> list[dict[str, Any]]:
    """What each of so many resident writers says, each with tasks of its own."""
    share = max(1, min(8, len(repository.ready) // writers))
    processes = [
        subprocess.Popen(
            [stage.installed.python, _RESIDENT, str(stage.run_s), *repository.ready[n * share : (n + 1) * share]],
            cwd=repository.top, env=dict(stage.env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(writers)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("a writer did not begin")
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return [json.loads(process.communicate()[0]) for process in processes]


def _writers(name: str) -> Callable[[Stage, int], Figure]:
    def measure(stage: Stage, tasks: int) -> Figure:
        return stage.remember((name, tasks), lambda: _race(stage, tasks))

    return measure


def _race(stage: Stage, tasks: int) -> Mapping[object, Figure]:
    repository = stage.repository(_ours(stage, tasks))
    ratios, rates, lost, mixed = [], [], 0, 0
    for _ in range(min(stage.rounds, 3)):
        (alone,) = _write_at_once(stage, repository, 1)
        before = _ask(stage, repository, "rev-parse", "HEAD")
        said = _write_at_once(stage, repository, _WRITERS)
        together = sum(s["count"] for s in said) / max(s["seconds"] for s in said)
        rates.append((together, alone["count"] / alone["seconds"]))
        ratios.append(rates[-1][0] / rates[-1][1])
        history = _ask(stage, repository, "log", "--format=%x00%H", "--name-only", f"{before}..HEAD").split(
            "\0"
        )
        changed = {commit: paths for commit, *paths in (part.split() for part in history if part.strip())}
        mixed += sum(len(paths) != 1 for paths in changed.values())
        lost += sum(commit not in changed for s in said for commit in s["commits"])
        lost += sum(
            f"\npriority: {level}\n" not in _ask(stage, repository, "show", f"HEAD:{repository.path(task)}")
            for s in said
            for task, level in s["last"].items()
        )
    mine, theirs = (Spread.of(column).median for column in zip(*rates, strict=True))
    return {
        ("throughput", tasks): Figure(Spread.of(ratios), f"{mine:,.1f} ÷ {theirs:,.1f} commits/s"),
        ("lost", tasks): Figure(Spread.of([lost]), "acknowledged edits that are not in history"),
        ("mixed", tasks): Figure(Spread.of([mixed]), "commits that touch more than their own file"),
    }


def _ask(stage: Stage, repository: Repository, *words: str) -> str:
    return run(("git", *words), repository.top, stage.env).decode().strip()


ROWS = (
    Row(
        "set.commit",
        "set ID priority=… (one commit) ÷ git add FILE && git commit, beside the other files",
        "×",
        _set,
        _both,
        goals={10_000: 0.4},
        cause="git is started about ten times: for its version, the folders, the settings, refs, the tip and the commit",
    ),
    Row(
        "add.commit",
        "add TITLE (one commit) ÷ git add FILE && git commit, beside the other files",
        "×",
        _add,
        _both,
        goals={10_000: 0.4},
        cause="a new file needs the models that judge it, the board for its id, and git for the index: it has no place there yet",
    ),
    Row(
        "set.objects",
        "new objects on disk for one such commit",
        "KiB",
        _objects(_ours),
        lambda stage, tasks: [_ours(stage, tasks)],
        goals={10_000: 12},
    ),
    Row(
        "set.objects.flat",
        "the same where all task files stand in one folder",
        "KiB",
        _objects(_flat),
        lambda stage, tasks: [_flat(stage, tasks)],
    ),
    Row(
        "commits.resident",
        "commits per second of one resident process ÷ a loop of git add FILE && git commit",
        "×",
        _resident,
        _both,
        goals={10_000: 20},
        at_least=True,
        cause="settings, refs and branch are asked of git anew for each edit, each a process",
    ),
    Row(
        "writers.throughput",
        "commits per second of 16 resident processes ÷ one",
        "×",
        _writers("throughput"),
        lambda stage, tasks: [_ours(stage, tasks)],
        goals={10_000: 0.6},
        at_least=True,
    ),
    Row(
        "writers.lost",
        "acknowledged edits of the 16 that were lost",
        "",
        _writers("lost"),
        lambda stage, tasks: [_ours(stage, tasks)],
        goal=0,
    ),
    Row(
        "writers.mixed",
        "commits of the 16 that hold somebody else's change",
        "",
        _writers("mixed"),
        lambda stage, tasks: [_ours(stage, tasks)],
        goal=0,
    ),
)
