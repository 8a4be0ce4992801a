"""``baton doctor``: what is broken here, and mending it.

Looking changes nothing but what a fetch changes. Every fix is one that may be killed half-way and run by two at
once: it is decided anew each time, and done in one step or in steps of which each leaves less to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.finding import Finding
from gitbaton.errors import BatonError
from gitbaton.usecases.checkup import CHECKS, check_remote
from gitbaton.usecases.disagreements import BOARD_CHECKS
from gitbaton.usecases.project import load_view, refuse_inside

if TYPE_CHECKING:
    from gitbaton.usecases.project import Project

#: What one fix brings to light, the next round mends.
_ROUNDS = 4


class Treated(NamedTuple):
    """What was mended, and what is left; ``trouble`` says by finding why a fix did not work."""

    mended: tuple[Finding, ...]
    left: tuple[Finding, ...]
    trouble: dict[tuple[str, str], str]


def examine(project: Project) -> list[Finding]:
    """Everything that is not as it should be, worst first. Fetches; where that can't be done, that is a
    finding, and the others are as of the last fetch.
    """
    refuse_inside(project, "examine the repository", hint="run it outside of the attempt")
    found = list(check_remote(project))
    project = project.reread()
    for check in CHECKS:
        found += check(project)
    if project.repo.base.commit:
        base, local = load_view(project, local=False), load_view(project, local=True)
        for judge in BOARD_CHECKS:
            found += judge(project, base, local)
    order = ("error", "warning", "note")
    return sorted(found, key=lambda f: (order.index(f.severity), f.code, f.message))


def treat(project: Project) -> Treated:
    """Mend what can be mended, until nothing more can."""
    refuse_inside(project, "mend the repository", hint="run it outside of the attempt")
    mended: dict[tuple[str, str], Finding] = {}
    trouble: dict[tuple[str, str], str] = {}
    left: list[Finding] = []
    for _ in range(_ROUNDS):
        left = examine(project)
        todo = [f for f in left if f.fix and (f.code, f.message) not in trouble]
        if not todo:
            break
        for finding in todo:
            key = (finding.code, finding.message)
            assert finding.fix
            try:
                finding.fix()
            except BatonError as error:
                trouble[key] = error.message + (f" ({error.hint})" if error.hint else "")
            else:
                mended[key] = finding
        project = project.reread()
    still = {(f.code, f.message) for f in left}
    return Treated(tuple(f for key, f in mended.items() if key not in still), tuple(left), trouble)


def find_obstacle(error: BatonError) -> Finding:
    """The finding for a repository that can't even be opened."""
    return Finding(error.code, "error", error.message, error.hint)
