"""The events of all state refs at once: their names and times, for figures about the whole repository.

A history never changes under the id of its tip, so what was read is kept in the cache by that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitbaton.domain.experience import Step
from gitbaton.store.cache import open_cache
from gitbaton.store.git import read_objects
from gitbaton.store.tips import STATE_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.store.repository import Repository

#: The event in a state as we write it; text of other fields is indented or stands on its field's line.
_EVENT = re.compile(rb'^event:\n  name: ([a-z_]+)\n  id: [^\n]+\n  at: "?([0-9TZ:.+-]+)"?\n', re.MULTILINE)
_KIND, _ALL = "steps", "all"
_AT_ONCE = 5_000


def read_steps(repo: Repository, tips: Mapping[str, str]) -> dict[str, list[Step]]:
    """Task → its events, oldest first, for the state tips ``tips`` (task → commit). What can't be read is left out."""
    cache = open_cache(repo)
    kept = cache.find_document(_KIND, _ALL)
    known = kept if isinstance(kept, dict) else {}
    found = {task: known[task] for task, tip in tips.items() if task in known and known[task][0] == tip}
    fresh = {task: tip for task, tip in tips.items() if task not in found}
    if fresh:
        found |= {task: (fresh[task], steps) for task, steps in _read_chains(repo, fresh).items()}
        cache.keep_document(_KIND, _ALL, found)
    return {task: [Step(*step) for step in steps] for task, (_, steps) in sorted(found.items())}


def _read_chains(repo: Repository, tips: Mapping[str, str]) -> dict[str, list[tuple[str, float]]]:
    """What git's histories say, all read by two processes."""
    asked = "".join(f"{tip}\n" for tip in tips.values()).encode()
    parents: dict[str, str] = {}
    for line in repo.git.text("rev-list", "--parents", "--stdin", data=asked).splitlines():
        oid, _, rest = line.partition(" ")
        parents[oid] = rest.partition(" ")[0]
    events: dict[str, tuple[str, float]] = {}
    oids = list(parents)
    for start in range(0, len(oids), _AT_ONCE):
        some = oids[start : start + _AT_ONCE]
        texts = read_objects(repo.git, (f"{oid}:{STATE_FILE}" for oid in some))
        for oid, text in zip(some, texts, strict=True):
            if text is not None and (event := _read_event(text, oid)):
                events[oid] = event
    chains: dict[str, list[tuple[str, float]]] = {}
    for task, tip in tips.items():
        chain, at = [], tip
        while at:
            if at in events:
                chain.append(events[at])
            at = parents.get(at, "")
        chains[task] = chain[::-1]
    return chains


def _read_event(text: bytes, oid: str) -> tuple[str, float] | None:
    """Name and time of a state's event: by the pattern, else by the real reader."""
    from gitbaton.errors import BatonError
    from gitbaton.store.live import parse_time

    try:
        if match := _EVENT.search(text):
            return match[1].decode(), parse_time(match[2].decode()) or 0.0
        from gitbaton.domain.state import State
        from gitbaton.store.documents import parse_document

        event = parse_document(text, f"{oid[:12]}:{STATE_FILE}", State, "state").event
        return event.name, parse_time(event.at) or 0.0
    except BatonError:
        return None
