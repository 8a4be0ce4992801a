"""Whatever an agent leaves in its outbox, says or prints: the attempt ends with a recorded outcome, a handoff
that can be read, and nothing in it that must not be there.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.handoff import Handoff
from gitbaton.domain.outcome import Outcome
from gitbaton.store.documents import parse_document
from gitbaton.store.live import read_tips
from gitbaton.usecases.board import show_task
from gitbaton.usecases.run import Ran, run_task
from gitbaton.wiring import open_project
from support.repos import make_repository

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.domain.state import State
    from gitbaton.usecases.project import Project

SECRET = "sk-very-secret-value-1234567890"
LEAVE = """\
import json, os, shutil, sys
outbox = os.environ["BATON_OUTBOX"]
def leave(name, item):
    with open(f"{outbox}/{name}.item.json", "w") as file:
        json.dump(item, file)
def result(**fields):
    with open(os.environ["BATON_RESULT"], "w") as file:
        json.dump(fields, file)
def work(name="work.txt"):
    with open(name, "w") as file:
        file.write("x\\n")
"""


class Desk:
    """One task, and a Python program as its agent."""

    def __init__(self, folder: Path, checks: str = "[]") -> None:
        self._program = folder / "agent.py"
        self._environment = {
            "PATH": "/usr/bin:/bin",
            "MODEL_PASS": SECRET,
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        config = (
            f"agent: script\\nagents:\\n  script: {{adapter: command, command: [{sys.executable}, {self._program}], "
            f"token_secret: MODEL_PASS}}\\nchecks: {checks}\\n"
        ).replace("\\n", "\n")
        self.checkout = make_repository(
            folder,
            {
                "tasks/config.yaml": config,
                "tasks/job.yaml": "title: Job\n",
                "tasks/other.yaml": "title: Other\n",
                "tasks/plans/spring.yaml": "title: Spring\n",
            },
        )

    def open(self) -> Project:
        return open_project(self.checkout.path, self._environment)

    def run(self, program: str) -> Ran:
        self._program.write_text(LEAVE + program)
        ran = run_task(self.open(), "job", lambda _: None)
        assert isinstance(ran, Ran)
        return ran

    def state(self) -> State:
        return read_tips(self.open().repo).states["job"].state

    def files(self) -> dict[str, str]:
        """What the attempt's branch adds under ``tasks/``."""
        head = self.state().head
        names = self.checkout.git(
            "diff", "--name-only", "--diff-filter=A", "main", str(head), "--", "tasks"
        ).splitlines()
        return {name: self.checkout.git("show", f"{head}:{name}") + "\n" for name in names}

    def handoff(self) -> Handoff:
        """The handoff on the branch, as everybody would read it."""
        ((path, text),) = [(p, t) for p, t in self.files().items() if "/handoffs/" in p]
        return parse_document(text.encode(), path, Handoff, "handoff")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.promise("attempt.kept")
@pytest.mark.parametrize(
    ("outcome", "program"),
    [
        # A program whose result file can't be read is not believed; what it did is kept all the same.
        ("agent_error", "shutil.rmtree(outbox)"),
        ("agent_error", "shutil.rmtree(outbox); os.symlink('/etc', outbox)"),
        ("agent_error", "shutil.rmtree(outbox); open(outbox, 'w').close()"),
        ("agent_error", r"result(summary='a\x00\ud83d\x1b[31mb', message='c\x00\ud83d')"),
        ("succeeded", r"result(summary='a\x00\x1b[31mb', message='c\x00')"),
        ("succeeded", "os.mkfifo(outbox + '/1.item.json')"),
        ("succeeded", "[leave(n, {'kind': 'note', 'text': 'x' * 1000}) for n in range(600)]"),
        (
            "succeeded",
            "[leave(n, {'kind': 'context', 'handoff': {'completed': [f'{n}-{k}' for k in range(400)]}}) for n in range(9)]",
        ),
        (
            "succeeded",
            "leave(1, {'kind': 'context', 'handoff': {'data': {'a': 'x' * 60000}}}); leave(2, {'kind': 'note', 'text': 'y' * 9000})",
        ),
        ("succeeded", "open(outbox + '/1.item.json', 'w').write('[' * 100000)"),
        (
            "succeeded",
            r"""open(outbox + '/1.item.json', 'w').write('{"kind": "note", "text": "a\\ud83d\\u0000b"}')""",
        ),
        ("succeeded", r"print('\x1b[31mred\x00', flush=True); sys.stdout.buffer.write(b'\xff\xfe\n')"),
        ("succeeded", r"open(b'caf\xe9.txt', 'w').write('x')"),
        ("succeeded", "[work(f'{n:03}-' + 'n' * 200) for n in range(400)]"),
    ],
)
def test_nothing_that_an_agent_leaves_costs_its_work(desk: Desk, outcome: str, program: str) -> None:
    ran = desk.run(f"work()\n{program}\n")
    assert ran.verdict.outcome == outcome, ran.verdict
    assert desk.handoff().outcome == outcome
    assert "work.txt" in desk.checkout.git("diff", "--name-only", "main", str(desk.state().head))
    assert desk.state().status == ("in_review" if outcome == "succeeded" else "failed")


def test_what_hundreds_of_checks_print_still_fits(tmp_path: Path) -> None:
    checks = ", ".join(f'{{name: c{n}, run: "printf x%.0s $(seq 9000); false"}}' for n in range(60))
    desk = Desk(tmp_path, f"[{checks}]")
    assert desk.run("work()").verdict.outcome is Outcome.CHECKS_FAILED
    outputs = [c.output for c in desk.handoff().checks]
    assert len(outputs) == 60
    assert outputs[0] == "x" * 4000
    assert outputs[-1] is None


def test_a_secret_reaches_neither_state_nor_branch(desk: Desk) -> None:
    ran = desk.run(
        "key = os.environ['MODEL_PASS']\nwork()\n"
        "leave(1, {'kind': 'question', 'text': 'Is ' + key + ' right?'})\n"
        "leave(2, {'kind': 'note', 'text': key[::-1]})\n"
        "leave(3, {'kind': 'task', 'task': {'title': 'Use ' + key}})\n"
        "result(summary='I used ' + key, message='With ' + key)\n"
    )
    assert ran.verdict.outcome is Outcome.NEEDS_INPUT
    assert desk.state().question == "Is [MODEL_PASS removed] right?"
    everything = desk.checkout.git("log", "--all", "-p", "--format=%B") + repr(desk.state())
    assert SECRET not in everything
    assert SECRET[::-1] not in everything
    assert "I used [MODEL_PASS removed]" in everything


def test_a_secret_in_the_name_of_a_file_is_not_repeated(desk: Desk) -> None:
    ran = desk.run("work(os.environ['MODEL_PASS'])")
    assert ran.verdict.outcome is Outcome.GUARD_REFUSED
    assert SECRET not in ran.verdict.message
    assert SECRET not in repr(desk.state())


def propose(**task: Any) -> str:
    return f"leave({task.pop('at')!r}, {{'kind': 'task', 'task': {task!r}}})\n"


def test_proposed_tasks_refer_only_to_what_is_there(desk: Desk) -> None:
    desk.run(
        "work()\n"
        + propose(
            at="1",
            title="First",
            id="first",
            depends_on=["other", "nowhere", "second"],
            plan="spring",
            parent="gone",
        )
        + propose(at="2", title="Second", id="second", depends_on=["first"], plan="autumn", parent="job")
        + propose(at="3", title="Config", id="config")
        + propose(at="4", title="Other again", id="other", depends_on=["other"])
        + propose(at="5", title="Fifth", depends_on=["fifth"])
    )
    drafts = {name: text.split("\n", 1)[1] for name, text in desk.files().items() if "/handoffs/" not in name}
    again = next(n for n in drafts if n.startswith("tasks/other-"))
    assert drafts == {
        "tasks/first.yaml": "title: First\n\nstatus: draft\n\ndepends_on:\n  - other\nplan: spring\n",
        "tasks/second.yaml": "title: Second\n\nstatus: draft\n\ndepends_on:\n  - first\nparent: job\n",
        "tasks/task-config.yaml": "title: Config\n\nstatus: draft\n",
        again: "title: Other again\n\nstatus: draft\n\ndepends_on:\n  - other\n",
        "tasks/fifth.yaml": "title: Fifth\n\nstatus: draft\n",
    }
    assert show_task(desk.open(), "other").entry.state == "ready"


@pytest.mark.promise("attempt.kept")
def test_a_failed_attempt_leaves_what_it_learnt(desk: Desk) -> None:
    ran = desk.run("leave(1, {'kind': 'note', 'text': 'The database is down'})\nsys.exit(3)")
    assert ran.verdict.outcome is Outcome.CRASHED or not ran.good
    assert desk.handoff().data == {"notes": ["The database is down"]}
