"""Synthetic repositories: the same tasks for the same number, written by one ``git fast-import``.

N tasks with about 1.5 dependencies each on the 200 before, a description of some 600 characters, three lines of
acceptance; 60 % are done (and what they need), 2 % are being worked on (with a state ref). The files have the
form in which gitbaton itself writes new ones, or, ``handwritten``, a form that people write.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SEED = 20260131
WINDOW = 200
_DONE, _RUNNING = 0.6, 0.02
#: How many dependencies a task has: 1.5 in the mean.
_NEEDS = (0, 1, 1, 1, 2, 2, 2, 3)
_DESCRIPTION_CHARS, _LINE_CHARS = 600, 90
_OTHERS_PER_FOLDER = 200
_DATE = "1769850000 +0000"
_BY = f"Bench Mark <bench@example.org> {_DATE}"
_VERBS = (
    "add",
    "fix",
    "move",
    "split",
    "test",
    "trace",
    "draw",
    "check",
    "merge",
    "limit",
    "cache",
    "rename",
)
_NOUNS = ("login", "invoice", "report", "upload", "search", "export", "queue", "mailer", "ledger", "session", "router", "parser")  # fmt: skip
_WORDS = [
    "the",
    "customer",
    "sees",
    "an",
    "order",
    "before",
    "its",
    "invoice",
    "is",
    "sent",
    "and",
    "nobody",
    "knows",
    "which",
    "of",
    "them",
    "was",
    "paid",
    "first",
    "so",
    "a",
    "report",
    "must",
    "show",
    "both",
    "with",
    "their",
    "dates",
    "while",
    "every",
    "export",
    "keeps",
    "its",
    "old",
    "columns",
    "because",
    "other",
    "teams",
    "read",
    "them",
    "each",
    "night",
    "and",
    "would",
    "notice",
    "a",
    "change",
    "only",
    "when",
    "their",
    "own",
    "numbers",
    "no",
    "longer",
    "add",
    "up",
    "at",
    "all",
]


class Form(NamedTuple):
    """What a repository is made of. ``remote`` gives it a bare repository to push to; ``use`` tells apart
    repositories that are alike; with a ``past`` the live states tell how each task that is done was done.
    """

    tasks: int
    layout: str = "shard"
    others: int = 0
    handwritten: bool = False
    remote: bool = False
    use: str = "read"
    past: bool = False

    @property
    def folder(self) -> str:
        """The name of its folder."""
        words = (self.use, self.tasks, self.layout, self.others, self.handwritten, self.remote, self.past)
        return "-".join(str(word).lower() for word in words)


class Task(NamedTuple):
    """One task, and whether somebody works on it."""

    id: str
    title: str
    status: str
    type: str
    priority: str
    description: str
    acceptance: tuple[str, ...]
    depends_on: tuple[str, ...]
    running: bool = False


class Repository(NamedTuple):
    """A repository that was made. ``ready`` are the tasks that can be claimed."""

    form: Form
    top: Path
    ready: tuple[str, ...]
    running: tuple[str, ...]

    def path(self, task: str) -> str:
        """Where the task's file stands."""
        return task_path(task, self.form.layout)


def task_path(task: str, layout: str) -> str:
    """Where gitbaton puts it: ``tasks/ID.yaml``, or one of 256 folders below ``tasks``."""
    if layout == "flat":
        return f"tasks/{task}.yaml"
    return f"tasks/{zlib.crc32(task.encode()) & 0xFF:02x}/{task}.yaml"


def iter_tasks(number: int, seed: int = SEED) -> Iterator[Task]:
    """The tasks, dependencies first."""
    source = random.Random(seed)
    done, running = int(number * _DONE), int(number * _RUNNING)
    ids: list[str] = []
    for index in range(number):
        verb, noun = source.choice(_VERBS), source.choice(_NOUNS)
        window = range(max(0, index - WINDOW), index)
        needs = sorted(source.sample(window, min(len(window), source.choice(_NEEDS))))
        free = index >= done and running > 0 and all(need < done for need in needs)
        running -= free
        ids.append(f"{verb}-{noun}-{index:06}")
        yield Task(
            id=ids[-1],
            title=f"{verb.capitalize()} the {noun} of area {index}",
            status="done" if index < done else "todo",
            type=source.choice(("task", "task", "bug", "chore")),
            priority=source.choice(("high", "medium", "medium", "low")),
            description=_write_prose(source),
            acceptance=tuple(" ".join(source.choices(_WORDS, k=9)) for _ in range(3)),
            depends_on=tuple(ids[need] for need in needs),
            running=free,
        )


def _write_prose(source: random.Random) -> str:
    lines: list[str] = []
    words = [""]
    while sum(len(line) for line in lines) < _DESCRIPTION_CHARS:
        words.append(source.choice(_WORDS))
        if len(line := " ".join(words[1:])) > _LINE_CHARS:
            lines.append(line + "\n")
            words = [""]
    return "".join(lines)


# -- texts --------------------------------------------------------------------------------------------------


def render_task(task: Task, path: str) -> str:
    """The file, byte for byte as ``baton add`` writes a task of these fields."""
    up = "../" * (path.count("/") - 1) or "./"
    needs = "".join(f"  - {need}\n" for need in task.depends_on)
    return (
        f"# yaml-language-server: $schema={up}schemas/task.schema.json\ntitle: {task.title}\n\n"
        f"status: {task.status}\n\ntype: {task.type}\npriority: {task.priority}\ndescription: |\n"
        + "".join(f"  {line}\n" for line in task.description.splitlines())
        + "acceptance:\n"
        + "".join(f"  - {line}\n" for line in task.acceptance)
        + (f"depends_on:\n{needs}" if needs else "")
        + 'created: "2026-01-31T09:00:00Z"\n'
    )


def render_by_hand(task: Task) -> str:
    """The same task as a person may write it: other order and quoting, flow lists, comments."""
    return (
        f"# {task.title}\ntitle: '{task.title}'\ntype: {task.type}   # as agreed\nstatus:   {task.status}\n"
        f'depends_on: [{", ".join(task.depends_on)}]\npriority: "{task.priority}"\ndescription: >\n'
        + "".join(f"    {line}\n" for line in task.description.splitlines())
        + "\n# what must hold\nacceptance:\n"
        + "".join(f'- "{line}"\n' for line in task.acceptance)
        + "created: 2026-01-31T09:00:00Z\n"
    )


def render_state(task: str) -> str:
    """The live state of a task that an agent works on, as gitbaton writes it."""
    run = hashlib.sha256(task.encode()).hexdigest()[:16]
    return (
        f'version: 1\ntask: {task}\nstatus: in_progress\nevent:\n  name: claimed\n  id: e{run}\n  at: "2026-01-31T09:00:00Z"\n'
        f"  by: claude\nrun: r{run}\nattempt: 1\nattempt_limit: 3\nclaimed_by:\n  name: claude\n  kind: agent\n"
        f'claimed_from: open\nlease: "2099-01-31T09:00:00Z"\nbranch: baton/{task}\nattempts:\n  - number: 1\n'
        f'    run: r{run}\n    agent: claude\n    started: "2026-01-31T09:00:00Z"\n'
    )


def render_past(task: str, number: int, seconds: int, waited: int) -> list[str]:
    """The live states of a task that took ``seconds`` and was merged ``waited`` later, oldest first, as gitbaton writes them."""
    run = hashlib.sha256(task.encode()).hexdigest()[:16]
    start = 1_760_000_000 + number * 600
    begun, ended, merged = (_render_time(start + more) for more in (0, seconds, seconds + waited))
    attempt = f'attempts:\n  - number: 1\n    run: r{run}\n    agent: claude\n    kind: agent\n    model: sonnet\n    started: "{begun}"\n'
    done = f'{attempt}    ended: "{ended}"\n    outcome: succeeded\n    usage:\n      seconds: {seconds}.0\n      turns: 12\n      cost_usd: 0.25\n'
    events = (
        ("claimed", "in_progress", begun, attempt),
        ("published", "in_review", ended, done),
        ("merged", "merged", merged, done),
    )
    return [
        f'version: 1\ntask: {task}\nstatus: {status}\nevent:\n  name: {name}\n  id: {name[0]}{run}\n  at: "{at}"\n  by: claude\n'
        f"run: r{run}\nattempt: 1\nattempt_limit: 3\nbranch: baton/{task}\n{attempts}"
        for name, status, at, attempts in events
    ]  # fmt: skip


def _render_time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- the repository -----------------------------------------------------------------------------------------


def make_repository(folder: Path, form: Form, env: Mapping[str, str]) -> Repository:
    """A repository with everything of ``form`` in one commit on ``main``, checked out."""
    top = folder / form.folder
    top.mkdir(parents=True)
    _git(top, env, "init", "--quiet", "--initial-branch=main")
    ready: list[str] = []
    running: list[str] = []
    done: set[str] = set()

    def note(task: Task) -> None:
        if task.status == "done":
            done.add(task.id)
        elif task.running:
            running.append(task.id)
        elif done.issuperset(task.depends_on):
            ready.append(task.id)

    stream = subprocess.Popen(
        ["git", "fast-import", "--quiet", "--date-format=raw"], cwd=top, env=dict(env), stdin=subprocess.PIPE
    )
    assert stream.stdin
    with stream.stdin as out:
        out.write(f"commit refs/heads/main\ncommitter {_BY}\n".encode() + _data("Start"))
        out.write(_file("tasks/config.yaml", f"version: 1\nbase: main\nlayout: {form.layout}\n"))
        for number in range(form.others):
            out.write(_file(f"src/part{number // _OTHERS_PER_FOLDER:04}/module{number:06}.py", f"VALUE = {number % 100}\n"))  # fmt: skip
        for task in iter_tasks(form.tasks):
            note(task)
            path = task_path(task.id, form.layout)
            out.write(_file(path, render_by_hand(task) if form.handwritten else render_task(task, path)))
        for task_id in running:
            out.write(f"commit refs/baton/tasks/{task_id}\ncommitter {_BY}\n".encode())
            out.write(_data(f"{task_id}: claimed (attempt 1)") + _file("state.yaml", render_state(task_id)))
        for number, task_id in enumerate(sorted(done) if form.past else ()):
            chance = random.Random(task_id)
            seconds, waited = int(chance.expovariate(1 / 1200)) + 60, int(chance.expovariate(1 / 14_400))
            for text in render_past(task_id, number, seconds, waited):
                out.write(f"commit refs/baton/tasks/{task_id}\ncommitter {_BY}\n".encode())
                out.write(_data(f"{task_id}: an event") + _file("state.yaml", text))
    if stream.wait():
        raise RuntimeError(f"git fast-import failed in {top}")
    _git(top, env, "pack-refs", "--all")
    _git(top, env, "reset", "--quiet", "--hard", "main")
    if form.remote:
        _publish(top, env)
    return Repository(form, top, tuple(ready), tuple(running))


def _publish(top: Path, env: Mapping[str, str]) -> None:
    """Give the repository a bare one that holds the same, known by a file:// address and just fetched."""
    bare = top.with_name(f"{top.name}.git")
    _git(top, env, "clone", "--quiet", "--mirror", str(top), str(bare))
    own = ["git", "for-each-ref", "--format=delete %(refname)", "refs/baton/"]
    deletions = subprocess.run(own, cwd=top, env=dict(env), check=True, capture_output=True).stdout
    subprocess.run(["git", "update-ref", "--stdin"], cwd=top, env=dict(env), check=True, input=deletions)
    _git(top, env, "remote", "add", "origin", bare.as_uri())
    _git(top, env, "fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/baton/tasks/*:refs/baton/remote/tasks/*")  # fmt: skip
    _git(top, env, "remote", "set-head", "origin", "main")
    _git(top, env, "branch", "--quiet", "--set-upstream-to=origin/main", "main")
    _git(top, env, "pack-refs", "--all")


def _data(text: str) -> bytes:
    content = text.encode()
    return b"data %d\n%s\n" % (len(content), content)


def _file(path: str, text: str) -> bytes:
    return b"M 100644 inline %s\n%s" % (path.encode(), _data(text))


def _git(top: Path, env: Mapping[str, str], *words: str) -> None:
    subprocess.run(["git", *words], cwd=top, env=dict(env), check=True, stdout=subprocess.DEVNULL)
