"""Claude Code's sessions: whether one is there, and how it outlives the workplace in which it began.

A session is a transcript, ``projects/<folder>/<session>.jsonl`` below the configuration folder, and can be resumed
from there. A run's own configuration folder goes with its workplace, so the transcript of a session that may go on
later is copied to a folder that stays. Its workplace is named in it again and again; in the copy a placeholder
stands for that, so that whoever goes on finds its files where they are then.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.ports import AgentRequest

_PLACE = b"@@baton-workplace@@"
BYTES_MAX = 64 << 20  # longer ones would not fit into a model's memory anyway
_SESSION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
KEPT_S = 30 * 86400.0  # nobody answers after a month; and the handoff is there for ever


def find_session(config: Path, session: str) -> Path | None:
    """The transcript of ``session`` below a configuration folder, if there is one."""
    found = sorted(config.glob(f"projects/*/{session}.jsonl")) if _SESSION.fullmatch(session) else []
    return next((path for path in found if path.is_file() and not path.is_symlink()), None)


def keep_session(request: AgentRequest, config: Path, session: str | None) -> None:
    """Copy the transcript to where the request wants sessions to be kept. Nothing depends on it, so what can't be
    kept is not.
    """
    if request.sessions is None or session is None:
        return
    with contextlib.suppress(OSError):
        found = find_session(config, session)
        if found is None or found.stat().st_size > BYTES_MAX:
            return
        request.sessions.mkdir(mode=0o700, parents=True, exist_ok=True)
        _forget_old(request.sessions)
        data = found.read_bytes().replace(_name_place(request), _PLACE)
        _write(request.sessions / f"{session}.jsonl", data)


def restore_session(request: AgentRequest, config: Path, session: str) -> bool:
    """Whether ``session`` can be resumed; a kept one is brought to where Claude Code looks for it."""
    if find_session(config, session):
        return True
    if request.sessions is None:
        return False
    try:
        data = (request.sessions / f"{session}.jsonl").read_bytes().replace(_PLACE, _name_place(request))
        folder = config / "projects" / re.sub(r"[^a-zA-Z0-9]", "-", os.path.realpath(request.workplace))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / f"{session}.jsonl", data)
    except OSError:
        return False
    return True


def _name_place(request: AgentRequest) -> bytes:
    """The folder that holds workplace and outbox, as it is written in JSON."""
    return json.dumps(os.path.realpath(request.workplace.parent), ensure_ascii=False)[1:-1].encode()


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    temporary.replace(path)


def _forget_old(folder: Path) -> None:
    for path in folder.iterdir():
        if time.time() - path.stat().st_mtime > KEPT_S:
            path.unlink()
