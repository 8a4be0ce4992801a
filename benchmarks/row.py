"""What a row of the report is, and the stage on which it is measured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from generate import Form, Repository, make_repository
from measure import Side, Spread, compare, divide, peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from installed import Installed
    from measure import Combine, Compared


class Figure(NamedTuple):
    """What a row reached at one size. ``absolute`` are the figures behind the ratio, in words; ``cpu_ratio`` is the
    ratio of CPU seconds instead of wall seconds.
    """

    value: Spread
    absolute: str
    cpu_ratio: float | None = None
    memory: int | None = None


@dataclass(frozen=True, eq=False)
class Row:
    """One row. ``goals`` gives the goal by number of tasks, ``goal`` the one for any number. ``most`` is the largest number that
    it is measured at. ``cause`` says why it is missed, as far as that is known; it is printed only then.
    """

    name: str
    title: str
    unit: str
    measure: Callable[[Stage, int], Figure]
    forms: Callable[[Stage, int], Sequence[Form]]
    goals: Mapping[int, float] = field(default_factory=dict)
    goal: float | None = None
    at_least: bool = False
    most: int | None = None
    cause: str = "not known: profile it, and write it down beside the row"

    def fits(self, tasks: int) -> bool:
        """Whether it is measured at that many tasks."""
        return self.most is None or tasks <= self.most

    def goal_at(self, tasks: int) -> float | None:
        """The goal for that many tasks, if there is one."""
        return self.goals.get(tasks, self.goal)

    def is_met(self, tasks: int, figure: Figure) -> bool | None:
        """None where there is no goal."""
        goal = self.goal_at(tasks)
        if goal is None:
            return None
        return figure.value.median >= goal if self.at_least else figure.value.median <= goal


@dataclass
class Stage:
    """Repositories and programs, in a folder that is thrown away. ``others`` is the number of files beside the
    tasks in the rows that write; ``run_s`` is how long commits are counted there.
    """

    folder: Path
    env: Mapping[str, str]
    installed: Installed
    rounds: int
    layout: str
    others: int
    run_s: float
    _made: dict[Form, Repository] = field(default_factory=dict)
    _seen: set[Form] = field(default_factory=set)
    _known: dict[object, Figure] = field(default_factory=dict)

    @property
    def baton(self) -> str:
        """The installed command."""
        return self.installed.baton

    def repository(self, form: Form) -> Repository:
        """The repository of that form; made when it is first asked for."""
        if form not in self._made:
            self._made[form] = make_repository(self.folder, form, self.env)
        return self._made[form]

    def is_first(self, form: Form) -> bool:
        """Whether nobody has asked so far about that form."""
        seen = form in self._seen
        self._seen.add(form)
        return not seen

    def remember(self, key: object, measure: Callable[[], Mapping[object, Figure]]) -> Figure:
        """A figure that was measured together with others."""
        if key not in self._known:
            self._known.update(measure())
        return self._known[key]

    def floor(self, top: Path) -> Side:
        """The least that a Python program which asks git one question can take."""
        return Side(top, [(self.installed.python, "-c", "pass"), ("git", "rev-parse", "HEAD")])

    def compare(self, *sides: Side, combine: Combine = divide) -> Figure:
        """The sides in turns; memory is that of the first (a run of its own, so not where one round is all)."""
        found = compare(sides, self.env, self.rounds, combine)
        peak = self._peak(sides[0]) if self.rounds > 1 else None
        return Figure(found.ratio, describe(found), found.cpu_ratio.median, peak)

    def _peak(self, side: Side) -> int:
        commands = (side.prepare and side.prepare(self.rounds + 1)) or side.commands
        return max(peak_memory(command, side.top, self.env) for command in commands)


def describe(found: Compared) -> str:
    """The walls of the sides: ``23.1 ms ÷ 20.4 ms``."""
    return " ÷ ".join(f"{wall * 1000:,.1f} ms" for wall in found.walls_s)


def change_line(repository: Repository, task: str, number: int) -> str:
    """Give a task another priority in the working tree, as an editor would; returns the file's path."""
    path = repository.path(task)
    file = repository.top / path
    lines = file.read_text("utf-8").splitlines(keepends=True)
    level = ("low", "medium", "high")[number % 3]
    now = next(i for i, line in enumerate(lines) if line.startswith("priority: "))
    if lines[now] == f"priority: {level}\n":
        level = {"low": "medium", "medium": "high", "high": "low"}[level]
    lines[now] = f"priority: {level}\n"
    file.write_text("".join(lines), "utf-8")
    return path
