"""Where things stand in the repository and on disk. Pure path rules."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.domain.ids import explain_bad_id

if TYPE_CHECKING:
    from datetime import datetime

TASKS = "tasks"
CONFIG_PATH = "tasks/config.yaml"
PLANS = "tasks/plans"
HANDOFFS = "tasks/handoffs"
ROLES = "tasks/roles"
WORKFLOWS = "tasks/workflows"
SCHEMAS = "tasks/schemas"
DOCS = "tasks/docs"
ARCHIVE = "tasks/archive"
RESERVED = ("plans", "handoffs", "roles", "workflows", "schemas", "docs")

Layout = Literal["flat", "plan", "shard"]
Kind = Literal["task", "plan", "handoff", "config", "role", "workflow"]


class Place(NamedTuple):
    """What a path under ``tasks/`` holds: its kind, the id its name gives, and what is wrong with that name."""

    kind: Kind
    id: str
    complaint: str | None = None


def classify(path: str) -> Place | None:
    """The place of a repository path, or None when it is none of gitbaton's documents."""
    parts = path.split("/")
    if parts[0] != TASKS or len(parts) < 2:
        return None
    stem, dot, ending = parts[-1].rpartition(".")
    if not dot or ending.lower() not in ("yaml", "yml") or any(p.startswith(".") for p in parts):
        return None
    complaint = None if ending == "yaml" else "the file name must end in .yaml"
    if path == CONFIG_PATH:
        return Place("config", "config")
    folder = parts[1] if len(parts) > 2 else ""
    match folder:
        case "handoffs":
            return Place("handoff", stem, complaint)
        case "plans":
            return Place("plan", stem, complaint or _complain(stem))
        case "roles":
            return Place("role", stem, complaint)
        case "workflows":
            return Place("workflow", stem, complaint)
        case "schemas" | "docs":
            return None
        case _:
            return Place("task", stem, complaint or _complain(stem))


def _complain(stem: str) -> str | None:
    reason = explain_bad_id(stem)
    return f"its name gives no valid id: {reason}" if reason else None


def task_path(task: str, layout: Layout = "flat", plan: str | None = None) -> str:
    """Where a new task file goes. ``flat``: directly in ``tasks/``; ``plan``: in a folder named like its plan
    (one without a plan, or with a plan whose name means something else there, directly in ``tasks/``);
    ``shard``: in one of 256 folders, always the same one for an id.
    """
    match layout:
        case "plan" if plan and plan not in (*RESERVED, ARCHIVE.rpartition("/")[2]):
            return f"{TASKS}/{plan}/{task}.yaml"
        case "shard":
            return f"{TASKS}/{zlib.crc32(task.encode()) & 0xFF:02x}/{task}.yaml"
        case _:
            return f"{TASKS}/{task}.yaml"


def archive_path(task: str, year: int) -> str:
    """Where the file of a finished task goes to be out of the way. It stays an ordinary task file."""
    return f"{ARCHIVE}/{year:04}/{task}.yaml"


def is_archived(path: str) -> bool:
    """Whether a task file is in the archive."""
    return path.startswith(f"{ARCHIVE}/")


def plan_path(plan: str) -> str:
    """Where a plan file stands."""
    return f"{PLANS}/{plan}.yaml"


def doc_path(task: str) -> str:
    """Where the notes and acceptance tests of a task stand, if somebody wrote some."""
    return f"{DOCS}/{task}.md"


def result_path(plan: str) -> str:
    """Where it stands what came of a plan: beside its file."""
    return f"{PLANS}/{plan}.md"


def handoff_path(task: str | None, moment: datetime, run: str) -> str:
    """Where a new handoff file goes. Its name begins with the time, so that names sort as the files were made."""
    from datetime import UTC

    utc = moment.astimezone(UTC)
    return f"{HANDOFFS}/{task or 'sessions'}/{utc:%Y%m%dT%H%M%S}{utc.microsecond // 1000:03}Z-{run}.yaml"


def schema_line(kind: str, path: str) -> str:
    """First line of a new file, so that editors find the schema: relative to the file itself."""
    up = "../" * (path.count("/") - 1)
    return f"# yaml-language-server: $schema={up or './'}schemas/{kind}.schema.json"
