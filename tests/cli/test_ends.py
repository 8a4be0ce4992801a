"""Every way an attempt can end, produced for real by ``baton run``: each its own recorded outcome, with the work kept
where it says, a handoff that says it is incomplete, an exit code, and the next step.

The agents are programs that do the worst, and the real Claude Code, to whom a scripted model says the worst.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from gitbaton.domain.outcome import OUTCOMES, Outcome, say_next_step
from gitbaton.store.live import read_tips
from gitbaton.usecases.claim import claim_as_person
from gitbaton.wiring import read_clock
from support.claude_binary import find_claude_binary
from support.cli import SOURCE, Baton
from support.model_server import ModelServer, Step
from support.processes import is_alive
from support.repos import Clock, make_repository, project

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gitbaton.domain.state import State

pytestmark = pytest.mark.promise("attempt.ends")
KEY = "sk-test-0123456789abcdef"
THOUSANDS = {"input_tokens": 10_000, "output_tokens": 1_000}
WORK = "open('work.txt', 'w').write('half done\\n')\n"


def say(**fields: Any) -> str:
    """Lines of a program that leave a result file."""
    return f"import os\nopen(os.environ['BATON_RESULT'], 'w').write({json.dumps(json.dumps(fields))})\n"


def write(name: str = "work.txt") -> Step:
    return {
        "tool": "Write",
        "input": {"file_path": f"{{cwd}}/{name}", "content": "half\n"},
        "usage": THOUSANDS,
    }


class End(NamedTuple):
    """One way to end. ``agent`` is a program, or the answers of a model; ``kept`` says where the work stands:
    on the task's ``branch``, as the published ``attempt``, under a ``local`` ref, or ``nowhere``, because there is none.
    """

    outcome: Outcome
    agent: str | Sequence[Step]
    task: str = ""
    config: str = ""
    kept: str = "branch"
    exit_code: int = 4
    words: str = ""


#: Forks, ignores what it is told, and hides a child in a session of its own.
STUBBORN = WORK + textwrap.dedent("""
    import os, signal, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        open(os.path.join(os.environ["BATON_OUTBOX"], "..", "..", "..", "daemon"), "w").write(str(os.getpid()))
        time.sleep(600)
    while True:
        print("still here", flush=True)
        time.sleep(0.1)
    """)
#: Thirty megabytes of what is no text, and signs that would take a terminal apart.
GARBAGE = WORK + textwrap.dedent("""
    import os, sys
    for _ in range(30):
        os.write(1, b"\\x1b[2J\\x1b]0;mine\\x07\\xff\\xfe\\x00\\x9b31m\\n" + b"\\xf0\\x28\\x8c" * 350_000 + b"\\n")
    sys.exit("\\x1b[31mout of memory\\x1b[0m")
    """)
FULL_DISK = WORK + textwrap.dedent("""
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    open("big.txt", "w").write("x" * 5_000_000)
    """)

ENDS = {
    "success": End(Outcome.SUCCEEDED, WORK, exit_code=0, words="review it with: baton review"),
    "document": End(Outcome.DELIVERED, say(summary="It can be done"), "type: spike\n", exit_code=0),
    "nothing": End(Outcome.NO_CHANGE, "print('all is well')", kept="nowhere"),
    "scope": End(Outcome.OUT_OF_SCOPE, WORK, "paths: [src/**]\n", kept="attempt"),
    "guard": End(Outcome.GUARD_REFUSED, WORK + f"open('key', 'w').write({KEY!r})", kept="local", words="contains the secret"),
    "checks": End(Outcome.CHECKS_FAILED, WORK, config="checks: [{name: strict, run: 'echo no good; exit 2'}]\n", words="no good"),
    "result": End(Outcome.INVALID_RESULT, WORK + say(result={"n": "x"}), "result_schema: {type: object, properties: {n: {type: integer}}}\n"),
    "refusal": End(Outcome.AGENT_REFUSED, [write(), {"text": "I won't.", "stop_reason": "refusal", "times": -1}]),
    "garbage": End(Outcome.AGENT_ERROR, GARBAGE, words="ended with exit code 1"),
    "disk": End(Outcome.AGENT_ERROR, FULL_DISK, words="File too large"),
    "rate": End(Outcome.RATE_LIMITED, [write(), {"status": 429, "times": -1}]),
    "overload": End(Outcome.OVERLOADED, [write(), {"status": 529, "times": -1}]),
    "auth": End(Outcome.AUTH, [write(), {"status": 401, "times": -1}], words="set a key"),
    "time": End(Outcome.TIMEOUT, STUBBORN, "run: {timeout: 5s}\n"),
    "idle": End(Outcome.IDLE, WORK + "import time; time.sleep(600)", config="timeouts: {idle: 4s}\n"),
    "turns": End(Outcome.TURNS, [write(), write("b.txt"), write("c.txt")], "run: {max_turns: 1}\n"),
    "money": End(Outcome.BUDGET, [write(), write("b.txt"), write("c.txt")], "run: {budget_usd: 0.05}\n"),
    "question": End(Outcome.NEEDS_INPUT, WORK + say(question="Which port?"), words="Which port?"),
    "blocked": End(Outcome.BLOCKED, WORK + say(outcome="blocked", message="the API is down"), words="the API is down"),
    "revision": End(Outcome.NEEDS_REVISION, WORK + say(next_action="needs_revision", remaining=["The cache is wrong"]), words="The cache is wrong"),
    "gone": End(Outcome.CRASHED, "import os, shutil; shutil.rmtree(os.getcwd())", kept="nowhere", exit_code=1, words="the agent's folder is gone"),
}  # fmt: skip
#: Ends that need somebody else besides the agent; each has a test of its own below, or where it is named.
OTHERS = {
    Outcome.STOPPED, Outcome.TAKEN_OVER, Outcome.LOST_LEASE, Outcome.MACHINE_LOST,
}  # fmt: skip


@dataclass
class Scene:
    """One repository with a remote for all ends, a task for each."""

    folder: Path
    server: ModelServer
    home: Path = field(init=False)

    def __post_init__(self) -> None:
        self.checkout = make_repository(
            self.folder, {"README.md": "# Ends\n", "tasks/config.yaml": "base: main\n"}, remote=True
        )
        self.home = self.folder / "home"
        self.agents = self.folder / "agents"
        self.agents.mkdir()

    def plan(self, name: str, end: End) -> Baton:
        """The task ``name``, its agent, and the command line in which it is to run."""
        env = {"ANTHROPIC_API_KEY": KEY}
        if isinstance(end.agent, str):
            (self.agents / f"{name}.py").write_text(end.agent)
            agent = f"{{adapter: command, command: [{sys.executable}, {self.agents}/{name}.py], token_secret: ANTHROPIC_API_KEY}}"
        else:
            agent = f"{{adapter: claude, program: {find_claude_binary()}}}"
            env |= {
                "ANTHROPIC_BASE_URL": self.server.script(name, end.agent).url,
                "CLAUDE_CODE_MAX_RETRIES": "0",
            }
        config = f"base: main\nagent: it\nagents:\n  it: {agent}\nretries: {{resumes: 0, fix_rounds: 1}}\n{end.config}"
        files = {f"tasks/{name}.yaml": f"title: End {name}\n{end.task}", "tasks/config.yaml": config}
        self.checkout.commit({**files}, name, push=True)
        return Baton(self.checkout.path, self.home, env)

    def state(self, name: str) -> State:
        asked = project(self.checkout)
        asked.refs.fetch()
        return read_tips(asked.repo).states[name].state

    def find_kept(self, name: str) -> dict[str, str]:
        """Where the work of the first attempt stands → the ref's tip."""
        lines = [line.split("\t") for line in self.checkout.git("ls-remote", "origin").splitlines()]
        remote = {ref: oid for oid, ref in lines}
        local = self.checkout.git("for-each-ref", "--format=%(refname)", f"refs/baton/kept/{name}/*")
        places = {"branch": f"refs/heads/baton/{name}", "attempt": f"refs/baton/attempts/{name}/1"}
        found = {place: remote[ref] for place, ref in places.items() if ref in remote}
        return found | ({"local": self.checkout.git("rev-parse", local.splitlines()[0])} if local else {})

    def read(self, commit: str, path: str) -> str:
        self.checkout.git(
            "fetch",
            "--quiet",
            "origin",
            "+refs/heads/baton/*:refs/look/*",
            "+refs/baton/attempts/*:refs/look-at/*",
        )
        return self.checkout.git("show", f"{commit}:{path}")

    def handoff(self, commit: str, name: str) -> dict[str, Any]:
        self.read(commit, "README.md")
        paths = self.checkout.git(
            "ls-tree", "-r", "--name-only", commit, f"tasks/handoffs/{name}"
        ).splitlines()
        found: dict[str, Any] = yaml.safe_load(self.checkout.git("show", f"{commit}:{max(paths)}"))
        return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with ModelServer() as server:
        yield Scene(tmp_path_factory.mktemp("ends"), server)


def test_every_outcome_has_its_end() -> None:
    assert {end.outcome for end in ENDS.values()} | OTHERS == set(Outcome)


@pytest.mark.parametrize("name", ENDS)
def test_an_end(scene: Scene, name: str) -> None:
    end = ENDS[name]
    rule = OUTCOMES[end.outcome]
    baton = scene.plan(name, end)
    said = baton("run", name, code=end.exit_code)
    state = scene.state(name)
    attempt = state.attempts[0]
    assert (attempt.outcome, state.attempt) == (end.outcome, 1), attempt.message
    assert attempt.ended
    assert attempt.message
    expected = "in_review" if rule.good else "needs_input" if end.outcome is Outcome.NEEDS_INPUT else "failed"
    assert state.status == expected

    assert end.words in said.out + said.err
    assert not set("\x1b\x9b\x00\ufffe") & set(said.out), "what it printed takes no terminal apart"
    if end.exit_code == 4:
        assert say_next_step(end.outcome, name) in said.out

    kept = scene.find_kept(name)
    assert set(kept) == ({"branch", "attempt"} if end.kept == "branch" else {end.kept} - {"nowhere"})
    if end.kept == "nowhere":
        return
    commit = kept[end.kept]
    handoff = scene.handoff(commit, name)
    assert (handoff["outcome"], handoff.get("incomplete", False)) == (end.outcome.value, not rule.good)
    if end.outcome is not Outcome.DELIVERED:
        assert scene.read(commit, "work.txt").startswith("half")
    if rule.mendable:
        assert len(handoff.get("rounds", [])) == 1, "it was handed back, and that did not help"
    if end.agent is STUBBORN:
        daemon = next(scene.home.rglob("daemon"))
        assert not is_alive(int(daemon.read_text())), "nothing that it started is left"


def start(baton: Baton, name: str) -> subprocess.Popen[str]:
    """``baton run`` of an agent that says ``begun`` when it has done half of its work, seen that far."""
    run = subprocess.Popen(
        [sys.executable, "-m", "gitbaton", "run", name],
        cwd=baton.folder, env={**baton.environment(), "PYTHONPATH": SOURCE}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert run.stdout
    for line in run.stdout:
        if "begun" in line:
            return run
    raise AssertionError(run.communicate())


WAITS = End(Outcome.STOPPED, WORK + "print('begun', flush=True)\nimport time; time.sleep(600)")


@pytest.mark.promise("attempt.kept")
def test_ctrl_c_stops_it_with_a_checkpoint(scene: Scene) -> None:
    run = start(scene.plan("ctrl-c", WAITS), "ctrl-c")
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=180)
    assert run.returncode == 130, out + err
    state = scene.state("ctrl-c")
    assert (state.status, state.attempts[0].outcome) == ("stopped", Outcome.STOPPED)
    kept = scene.find_kept("ctrl-c")["branch"]
    assert scene.read(kept, "work.txt") == "half done"
    assert scene.handoff(kept, "ctrl-c")["incomplete"] is True
    assert say_next_step(Outcome.STOPPED, "ctrl-c") in out


@pytest.mark.promise("attempt.kept")
def test_a_machine_that_is_lost(scene: Scene) -> None:
    """Whoever claims the task next writes down that its machine was lost; what that machine has, its doctor keeps."""
    baton = scene.plan("lost", WAITS)
    run = start(baton, "lost")
    run.kill()
    run.communicate(timeout=180)
    assert scene.state("lost").status == "in_progress", "nobody could write anything down"
    later = Clock(read_clock() + timedelta(hours=5))
    claimed = claim_as_person(project(scene.checkout, clock=later), "lost")
    assert claimed
    first, second = scene.state("lost").attempts
    assert (first.outcome, first.message) == (Outcome.MACHINE_LOST, "never reported back")
    assert first.ended
    assert second.outcome is None
    left = re.search(r"its agent still work there .*kill (\d+)", baton("doctor", "--fix", code=1).out)
    assert left, "an agent that outlived its runner is named"
    os.kill(int(left[1]), signal.SIGKILL)
    while is_alive(int(left[1])):
        time.sleep(0.01)
    assert "orphaned-workplace" in baton("doctor", "--fix").out
    assert scene.read(scene.find_kept("lost")["local"], "work.txt") == "half done"


@pytest.mark.parametrize("taken", [True, False], ids=["taken-over", "lost-lease"])
def test_a_task_that_somebody_else_has_meanwhile(scene: Scene, taken: bool) -> None:
    """The runner publishes nothing, and says where the work is and who has the task."""
    name = "taken" if taken else "lease"
    other = scene.checkout.clone(f"other-{name}")
    words = ["takeover", name, "--yes"] if taken else ["stop", name]
    commands = [words] if taken else [words, ["retry", name], ["claim", name]]
    env = {**Baton(other.path, scene.home).environment(), "PYTHONPATH": SOURCE}
    program = WORK + f"import subprocess, sys\nfor words in {commands!r}:\n" + textwrap.indent(
        f"subprocess.run([sys.executable, '-m', 'gitbaton', *words], cwd={os.fspath(other.path)!r}, env={env!r}, check=True)\n", "    "
    )  # fmt: skip
    said = scene.plan(name, End(Outcome.TAKEN_OVER, program))("run", name, code=1)
    assert f"{name} is not ours any more" in said.err
    assert f"the work is kept here as refs/baton/kept/{name}/1" in said.err
    assert f"baton show {name}" in said.err
    kept = scene.find_kept(name)
    assert set(kept) == {"local"}
    assert scene.read(kept["local"], "work.txt") == "half done"
    state = scene.state(name)
    first = state.attempts[0].outcome
    assert (state.status, first) == (
        ("taken_over", Outcome.TAKEN_OVER) if taken else ("in_progress", Outcome.MACHINE_LOST)
    )
