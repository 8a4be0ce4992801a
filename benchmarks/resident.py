"""One resident process that edits tasks until its time is up; run by the installed Python, by ``writing.py``.

Prints ``ready``, waits for a line, edits the tasks named as arguments in turns, and prints as JSON how many edits
that were, how long they took, the commits that were acknowledged, and what each task's priority was set to last.
"""

from __future__ import annotations

import json
import sys
import time

from gitbaton.usecases.setting import set_fields
from gitbaton.wiring import open_here

_EDITS_LEAST = 2


def edit_for(seconds: float, tasks: list[str]) -> dict[str, object]:
    """At least two edits, however long they take. One more, before the start, loads what an edit needs."""
    project = open_here()
    commits: list[str | None] = []
    last: dict[str, str] = {}

    def edit(task: str) -> None:
        level = "high" if last.get(task) == "low" else "low"
        edited = set_fields(project.reread(), task, [f"priority={level}"]).edited
        commits.append(edited and edited.commit)
        last[task] = level

    edit(tasks[0])
    print("ready", flush=True)
    sys.stdin.readline()
    count, begun = 0, time.perf_counter()
    while count < _EDITS_LEAST or time.perf_counter() - begun < seconds:
        edit(tasks[count % len(tasks)])
        count += 1
    took = time.perf_counter() - begun
    return {"count": count, "seconds": took, "commits": [c for c in commits if c], "last": last}


if __name__ == "__main__":
    print(json.dumps(edit_for(float(sys.argv[1]), sys.argv[2:])))
