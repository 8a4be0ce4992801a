"""``baton next`` answered from a record of the answer before, where nothing that it hangs on has changed; and what any
command needs that only looks, from the same record.

The record stands in the git dir: what was answered, the interval of time in which that holds, and everything it was
found from, byte for byte: git's settings files, the environment, the refs. Reading it loads no module that Python
hasn't loaded at its start. If only base or state tips moved, the kept index of the board is asked, and the record
made anew; the settings stay as they were found, because the index refuses a base on which they changed.

Whatever is unusual gives None: the command finds its answer the long way, which leaves a new record.
"""

from __future__ import annotations

import os
import sys
import time

from gitbaton.store.stamp import (
    MARK,
    RefFiles,
    find_place,
    is_interrupted,
    read_environment,
    read_file,
    read_kept,
    write_kept,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gitbaton.store.stamp import Place
    from gitbaton.usecases.project import Project

_NAME = f"next-{MARK}"
_QUESTIONS = (["next"], ["next", "--json"])


def answer(argv: list[str]) -> int | None:
    """Answer a command line and give its exit code; None where that takes the long way."""
    if argv not in _QUESTIONS:
        return None
    said = look(os.environ)
    return None if said is None else say(said[len(argv) - 1])


def say(text: str) -> int | None:
    """Print an answer; None where that can't be done."""
    try:
        print(text, flush=True)  # noqa: T201 this is a face
    except BrokenPipeError:  # a reader that went away is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        return None  # the long way says what is wrong
    return 0


def look(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """The next task of the current folder's repository: as text, and as one JSON object."""
    found = _find_record(environment)
    if found is None:
        return None
    place, record, refs, is_same = found
    now = time.time()
    if is_same and record["from"] <= now and (record["until"] is None or now < record["until"]):
        return record["text"], record["json"]
    return _find(place, _list_tips(record, refs), record, now)


def find_board(
    environment: Mapping[str, str],
) -> tuple[Place, tuple[str, dict[str, Any], tuple[Any, ...]]] | None:
    """Where the current folder's board stands: its repository, and base, state tips and settings as ``Wanted`` takes them behind the
    repository's top; None where only the long way can tell.
    """
    found = _find_record(environment)
    if found is None:
        return None
    place, record, refs, _ = found
    return place, (record["base"], _list_tips(record, refs), record["wanted"])


def _list_tips(record: Mapping[str, Any], refs: RefFiles) -> dict[str, Any]:
    return {**refs.list_packed(record["wanted"][2]), **record["loose"]}


def _find_record(environment: Mapping[str, str]) -> tuple[Place, dict[str, Any], RefFiles, bool] | None:
    """The repository, its record with base and tips as they are now, and whether they are still the same; None where
    anything else is different.
    """
    place = find_place(environment)
    record = place and _read(place)
    if not place or not record or is_interrupted({place.git_dir, place.common_dir}):
        return None
    refs = RefFiles(place.common_dir)
    if record["environment"] != read_environment(environment) or record["watched"] != _watch(
        record["watched"]
    ):
        return None
    prefix = record["wanted"][2]
    loose, base = refs.list_loose(prefix), refs.find(record["ref"])
    if record["exist"] != {name: refs.find(name) is not None for name in record["exist"]}:
        return None
    is_same = (base, loose, refs.packed) == (record["base"], record["loose"], record["packed"])
    if base is None or None in loose.values():
        return None
    record.update({"base": base, "loose": loose, "packed": refs.packed})
    return place, record, refs, is_same


def _find(place: Place, tips: dict[str, Any], record: dict[str, Any], now: float) -> tuple[str, str] | None:
    """Ask the index, and make the record anew."""
    from gitbaton.report.records import describe_next
    from gitbaton.store.cache import Cache, cache_file
    from gitbaton.store.cachemove import Wanted, choose_from_index

    wanted = Wanted(place.top, record["base"], tips, *record["wanted"])
    chosen = choose_from_index(Cache(cache_file(place.common_dir)), wanted, now)
    if chosen is None or chosen.entry is None:
        return None
    text, as_json = describe_next(chosen.entry)
    _write(place, {**record, "from": now, "until": chosen.until, "text": text, "json": as_json})
    return text, as_json


# -- the record ----------------------------------------------------------------------------------------------


def remember(project: Project) -> None:
    """Leave a record for the next time, if everything is as it mostly is."""
    repo = project.repo
    place = find_place(os.environ)
    if not place or place.top != os.fspath(repo.top) or project.own_task or not repo.keeps_cache:
        return
    watched = _list_watched(project, place)
    if watched is None:
        return
    tracking = f"refs/remotes/{repo.remote}/" if repo.remote else "refs/heads/"
    refs = RefFiles(place.common_dir)
    loose = refs.list_loose(repo.seen_prefix)
    if repo.base.commit is None or refs.find(repo.base.ref) != repo.base.commit or None in loose.values():
        return
    record = {
        "environment": read_environment(os.environ), "watched": watched, "ref": repo.base.ref, "base": repo.base.commit,
        "exist": {tracking + name: refs.find(tracking + name) is not None for name in ("main", "master")},
        "loose": loose, "packed": refs.packed,
        "wanted": (repo.config_file.facts.attempts_max, project.refs.tolerance_s, repo.seen_prefix,
            repo.config_file.facts.gates, repo.state_prefix),
    }  # fmt: skip
    tips = {**refs.list_packed(repo.seen_prefix), **loose}
    _find(place, tips, record, project.refs.now().timestamp())


def _list_watched(project: Project, place: Place) -> dict[str, bytes | None] | None:
    """The files that settings come from, with what they say, and those that would count if they were there."""
    from gitbaton.store.layout import CONFIG_PATH
    from gitbaton.store.repository import list_settings_files

    repo = project.repo
    files = [f"{place.top}/{CONFIG_PATH}", f"{place.git_dir}/HEAD"]
    if repo.remote:
        files.append(f"{place.common_dir}/refs/remotes/{repo.remote}/HEAD")
    first = _watch(dict.fromkeys(files + list_settings_files(repo)[1], None))
    settings, again = list_settings_files(repo)
    if any("include" in name and value.startswith("%(") for name, value in settings.items()):
        return None  # only git knows where that is
    if settings != repo.settings or set(first) != {*files, *again} or _watch(first) != first:
        return None  # somebody is changing them just now
    return first


def _watch(files: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    return {path: read_file(path) for path in files}


def _read(place: Place) -> dict[str, Any] | None:
    found: dict[str, Any] | None = read_kept(f"{place.git_dir}/baton/{_NAME}")
    return found


def _write(place: Place, record: Mapping[str, Any]) -> None:
    """Where that can't be, the next command takes the long way, too."""
    write_kept(f"{place.git_dir}/baton/{_NAME}", dict(record))
