"""``baton init``: the files and settings a repository needs, in one commit that touches nothing else."""

from __future__ import annotations

import shlex
import shutil
import sys
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.store.checkout import read_index
from gitbaton.store.edits import Edited, commit_edits
from gitbaton.store.git import read_objects
from gitbaton.store.layout import CONFIG_PATH, SCHEMAS, schema_line
from gitbaton.store.schemas import KINDS, read_schema_text, schema_file
from gitbaton.usecases.project import Project, refuse_inside

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitbaton.store.repository import Repository

ATTRIBUTES = "tasks/**/*.yaml merge=baton"
#: git's setting for the merge driver.
DRIVER = "merge.baton.driver"
_ARGUMENTS = "merge-file %O %A %B %P"
_DRIVER_NAME = "gitbaton: merge documents field by field"
_CONFIG = """\
{schema}
# Settings of gitbaton. Every key is optional; the schema explains them all.
version: 1
{base}
# Which agent runs tasks, unless a task names another one.
agent: claude
agents:
  claude:
    adapter: claude
    # token_secret: ANTHROPIC_API_KEY

# Commands that must succeed before work counts. Without any, work is marked "unverified".
# checks:
#   - name: tests
#     run: pytest -q
#     timeout: 10m
checks: []
"""


class InitPlan(NamedTuple):
    """What ``init`` would do. ``creates`` and ``updates`` are paths; ``keeps`` are a person's files that stay as
    they are; ``settings`` go into ``.git/config``.
    """

    creates: tuple[str, ...]
    updates: tuple[str, ...]
    keeps: tuple[str, ...]
    settings: Mapping[str, str]
    changes: Mapping[str, Callable[[bytes | None], bytes | None]]

    @property
    def empty(self) -> bool:
        """Whether everything is there already."""
        return not (self.creates or self.updates or self.settings)


def plan_init(project: Project) -> InitPlan:
    """Compare what is there with what is needed. Writes nothing."""
    refuse_inside(project, "set up the repository")
    repo = project.repo
    changes: dict[str, Callable[[bytes | None], bytes | None]] = {}
    creates: list[str] = []
    updates: list[str] = []
    keeps: list[str] = []
    if _read(repo, CONFIG_PATH) is not None:
        keeps.append(CONFIG_PATH)
    else:
        text = _CONFIG.format(schema=schema_line("config", CONFIG_PATH), base=_base_line(repo)).encode()
        changes[CONFIG_PATH] = _create(CONFIG_PATH, text)
        creates.append(CONFIG_PATH)
    for kind in (k for k in KINDS if k != "state"):
        path = f"{SCHEMAS}/{schema_file(kind)}"
        text = read_schema_text(kind).encode()
        old = _read(repo, path)
        if old == text:
            continue
        if old is not None and b'"$id": "gitbaton/' not in old:
            keeps.append(path)
            continue
        changes[path] = lambda _, new=text: new  # type: ignore[misc] # mypy can't infer a lambda's default
        (creates if old is None else updates).append(path)
    attributes = _read(repo, ".gitattributes")
    if ATTRIBUTES.encode() not in [line.strip() for line in (attributes or b"").splitlines()]:
        changes[".gitattributes"] = _append_line
        (creates if attributes is None else updates).append(".gitattributes")
    driver = repo.git.find("config", "--local", DRIVER)
    works = driver and driver.endswith(_ARGUMENTS) and find_missing_program(project, driver) is None
    settings = {} if works else driver_settings(project)
    return InitPlan(tuple(creates), tuple(updates), tuple(keeps), settings, changes)


def find_missing_program(project: Project, driver: str) -> str | None:
    """The program that the command ``driver`` begins with, if there is no such program; a command that only a shell
    understands is taken on trust.
    """
    try:
        program = shlex.split(driver)[0]
    except (ValueError, IndexError):
        return None
    known = "=" in program or shutil.which(program, path=project.environment.get("PATH"))
    return None if known else program


def driver_settings(project: Project) -> dict[str, str]:
    """What ``git config`` needs for the merge driver: ``baton`` where git will find it, else the program that runs
    now.
    """
    is_found = shutil.which("baton", path=project.environment.get("PATH")) is not None
    program = "baton" if is_found else f"{shlex.quote(sys.executable)} -P -m gitbaton"
    return {"merge.baton.name": _DRIVER_NAME, DRIVER: f"{program} {_ARGUMENTS}"}


def _base_line(repo: Repository) -> str:
    """The base branch is recorded only where nothing else tells it."""
    if repo.remote and repo.git.find("symbolic-ref", "--quiet", f"refs/remotes/{repo.remote}/HEAD"):
        return ""
    return f"base: {repo.base.branch}\n"


def _read(repo: Repository, path: str) -> bytes | None:
    full = repo.top / path
    if full.is_symlink() or (full.exists() and not full.is_file()):
        raise Refusal(
            f"{path} is not a plain file",
            code="not-a-file",
            hint="replace it by a plain file, then run init again",
        )
    if full.exists():
        return full.read_bytes()
    entry = read_index(repo.git, [path]).get(path)
    # A sparse checkout leaves the file out; it is there all the same.
    return read_objects(repo.git, [entry.oid])[0] if entry and entry.skipped else None


def _create(path: str, text: bytes) -> Callable[[bytes | None], bytes | None]:
    def create(old: bytes | None) -> bytes:
        if old is not None and old != text:
            raise Refusal(
                f"{path} exists in git, but not in this checkout",
                code="taken-path",
                hint=f"restore it first: git checkout HEAD -- {path}",
            )
        return text

    return create


def _append_line(old: bytes | None) -> bytes:
    line = ATTRIBUTES.encode()
    if not old:
        return line + b"\n"
    if line in [x.strip() for x in old.splitlines()]:
        return old
    ending = b"\r\n" if b"\r\n" in old else b"\n"
    return old + (b"" if old.endswith((b"\n", b"\r")) else ending) + line + ending


def apply_init(project: Project, plan: InitPlan) -> Edited | None:
    """Do it: settings, then one commit. None when there was nothing to commit."""
    edited = commit_edits(project.repo, plan.changes, "Set up gitbaton") if plan.changes else None
    for key, value in plan.settings.items():
        project.repo.git.call("config", "--local", key, value)
    return edited
