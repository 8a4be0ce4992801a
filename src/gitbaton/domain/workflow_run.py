"""Which run of a forge's workflows holds a claim."""

from __future__ import annotations

import re
from typing import NamedTuple

_URL = re.compile(
    r"https?://(?P<host>[^/\s@]+)/(?P<owner>[^/\s]+)/(?P<name>[^/\s]+)/actions/runs/(?P<id>[0-9]{1,20})(?:/\S*)?"
)
_HOST = re.compile(r"github-actions/(?P<id>[0-9]{1,20})")


class WorkflowRun(NamedTuple):
    """A run, by its numeric id. ``repository`` (``owner/name`` in lower case) and ``host`` are None where only the
    id is known.
    """

    id: int
    repository: str | None = None
    host: str | None = None

    def __str__(self) -> str:
        where = f" of {self.repository}" if self.repository else ""
        return f"workflow run {self.id}{where}"


def find_workflow_run(watch_url: str | None, host: str | None) -> WorkflowRun | None:
    """The run that a claim's watch address, else its holder's ``host``, names; None: no workflow run holds it."""
    if found := _URL.fullmatch(watch_url or ""):
        repository = f"{found['owner']}/{found['name']}".lower()
        return WorkflowRun(int(found["id"]), repository, found["host"].lower())
    if found := _HOST.fullmatch(host or ""):
        return WorkflowRun(int(found["id"]))
    return None
