"""``baton docs``: notes and acceptance tests of tasks, written by an agent, judged, committed, read by attempts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.errors import BatonError
from gitbaton.usecases.documenting import Asked, write_docs
from gitbaton.wiring import open_agent
from support.claude_binary import find_claude_binary
from support.cli import SOURCE, Baton
from support.model_server import ModelServer
from support.repos import Checkout, make_repository, project

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.usecases.attempt_log import RunEvent

NOTES = "Look at `src/app.py`.\n\n### Steps\n\n1. Do it.   \n"
TEST = {"title": "It answers", "criteria": [1], "text": "```console\n# ask it\n$ curl x\n```"}
GOOD = {"implementation_notes": NOTES, "acceptance_tests": [TEST]}
BAD: dict[str, Any] = {
    "implementation_notes": "Steps\n=====\n<!-- hidden -->\n[x](../../../etc/passwd) [y](javascript:alert)",
    "acceptance_tests": [{"title": "## t", "text": "```\nopen", "criteria": [4]}],
}
#: Hands in what stands in a file named like the task, in the last round it was given for.
AGENT = """
import json, os, sys
told, task = sys.stdin.read(), os.environ["BATON_TASK"].removeprefix("commission+docs-")
open(os.path.join({folder!r}, task + ".told"), "w").write(told)
if task == "slow":
    print("begun", flush=True)
    import time; time.sleep(60)
said = json.load(open(os.path.join({folder!r}, task + ".json")))
open(os.environ["BATON_RESULT"], "w").write(json.dumps({{"result": said, "usage": {{"cost_usd": 0.1, "turns": 3}}}}))
"""
FILES: dict[str, str | bytes | None] = {
    "src/app.py": "x = 1\n",
    "tasks/health.yaml": "title: Answer health\nacceptance: [GET answers 200]\nworking_directory: src\nplan: web\n",
    "tasks/other.yaml": "title: Other\ndescription: Say hello.\n",
    "tasks/bad.yaml": "title: Bad one\nacceptance: [It holds]\n",
    "tasks/lost.yaml": "title: Lost\nworking_directory: ../..\n",
    "tasks/over.yaml": "title: Over\nstatus: done\n",
    "tasks/broken.yaml": "title: Broken\nfoo: 1\n",
    "tasks/plans/web.yaml": "title: The web\ngoal: People see it.\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "agent.py").write_text(AGENT.format(folder=str(tmp_path)))
    config = f"agent: script\nagents: {{script: {{adapter: command, command: [{sys.executable}, {tmp_path}/agent.py]}}}}\n"
    for task, said in (
        ("health", GOOD), ("other", {**GOOD, "acceptance_tests": [{"title": "Hello", "text": "It says so."}]}), ("bad", BAD),
    ):  # fmt: skip
        (tmp_path / f"{task}.json").write_text(json.dumps(said))
    return make_repository(tmp_path, {"tasks/config.yaml": config, **FILES}, remote=True)


@pytest.fixture
def baton(checkout: Checkout, tmp_path: Path) -> Baton:
    return Baton(checkout.path, tmp_path / "home")


WRITTEN = """\
# health: Answer health

> By script, for the repository at COMMIT. It is read before the task is begun: mend what is wrong.

## Implementation notes

Look at `src/app.py`.

### Steps

1. Do it.

## Acceptance tests

### 1. It answers

> GET answers 200

```console
# ask it
$ curl x
```
"""


def test_all_that_can_be_written_is_one_commit(baton: Baton, checkout: Checkout, tmp_path: Path) -> None:
    start = checkout.head()
    said = baton("docs", "--all", "--json", code=4).record
    assert [d["task"] for d in said["written"]] == ["health", "other"]
    assert said["usage"]["turns"] == 12  # one that was refused costs as well, in both of its rounds
    refused = {r["task"]: r for r in said["refused"]}
    assert set(refused) == {"bad", "lost", "broken"}
    assert refused["bad"]["problems"] == [
        "implementation_notes: the heading 'Steps' must begin with ### or more",
        "implementation_notes: it has an HTML comment, which nobody sees who reads it",
        "implementation_notes: the link to '../../../etc/passwd' leads out of the repository",
        "implementation_notes: the link to 'javascript:alert' is not one to a page",
        "acceptance_tests[0].text: a block of code is never closed",
        "acceptance_tests[0].title: no headings here",
        "acceptance_tests[0].criteria: there is no acceptance criterion 4",
        "acceptance_tests: none shows criterion 1: It holds",
    ]
    assert "is no folder of the repository" in refused["lost"]["message"]
    assert checkout.git("log", "--format=%s", f"{start}..").splitlines() == ["Write docs of 2 tasks"]
    assert checkout.read("tasks/docs/health.md") == WRITTEN.replace("COMMIT", start[:10])
    told = (tmp_path / "health.told").read_text()
    assert "It is about the folder `src`." in told
    assert "> The web\n>\n> People see it." in told
    # What is there is kept; what attempts are told names it; the other commands know it.
    assert baton("docs", "health").out == "kept tasks/docs/health.md; to write it anew: --force\n"
    checkout.git("rm", "--quiet", "tasks/broken.yaml", "tasks/lost.yaml")
    checkout.git("commit", "--quiet", "-m", "Mend")
    assert baton("validate").out == "every file is valid\n"
    checkout.git("push", "--quiet", "origin", "main")
    assert "## Read first\n\n- tasks/docs/health.md\n" in baton("briefing", "health").out
    baton("rename", "health", "sane")
    assert checkout.read("tasks/docs/sane.md").startswith("# sane: Answer health\n")
    assert not (checkout.path / "tasks/docs/health.md").exists()
    baton("rm", "sane")
    assert not (checkout.path / "tasks/docs/sane.md").exists()
    checkout.git("rm", "--quiet", "tasks/other.yaml")
    checkout.git("commit", "--quiet", "-m", "By hand")
    assert "tasks/docs/other.md is about a task that there is not" in baton("doctor", code=1).out


def test_one_that_is_replaced_goes_to_review(baton: Baton, checkout: Checkout, tmp_path: Path) -> None:
    checkout.commit({"tasks/docs/other.md": "# Mine\n"}, "By hand", push=True)
    said = baton("docs", "other", "--force", "--propose", "--json").record
    assert said["written"][0]["replaced"] is True
    assert checkout.read("tasks/docs/other.md") == "# Mine\n"
    assert "# other: Other" in checkout.git("show", f"{said['commit']}:tasks/docs/other.md")
    assert "# Mine" in (tmp_path / "other.told").read_text()


def test_what_can_not_be_is_refused(checkout: Checkout) -> None:
    before = checkout.head()
    asked = Asked()
    for tasks, how, code, said in (
        ([], asked, "usage", "which tasks?"),
        (["nobody"], asked, "unknown-id", "there is no task 'nobody'"),
        (["health"], Asked(directory="../x"), "bad-working-directory", "no folder of the repository"),
        (["health"], Asked(directory="src/app.py"), "bad-working-directory", "there is no folder 'src/app.py'"),
        (["health"], Asked(model="opus"), "no-model", "chooses its model itself"),
        (["health"], Asked(agent="nobody"), "unknown-agent", "there is no agent 'nobody'"),
        (["lost"], asked, "bad-task", "is no folder of the repository"),
        (["bad"], asked, "not-handed-in", "what script handed in was refused, after 2 rounds; nothing was written"),
    ):  # fmt: skip
        with pytest.raises(BatonError, match=said) as caught:
            write_docs(project(checkout, open_agent=open_agent), tasks, how)
        assert caught.value.code == code
        assert (checkout.head(), checkout.status()) == (before, "")
    with pytest.raises(BatonError, match="not both"):
        write_docs(project(checkout), ["health"], asked, everything=True)


def test_ctrl_c_keeps_what_is_ready(baton: Baton, checkout: Checkout) -> None:
    checkout.commit({"tasks/slow.yaml": "title: Slow\n"}, "Slow", push=True)
    with subprocess.Popen(
        [sys.executable, "-m", "gitbaton", "docs", "other", "slow", "health"], cwd=checkout.path,
        env={**baton.environment(), "PYTHONPATH": SOURCE}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if "begun" in line:
                process.send_signal(signal.SIGINT)
                break
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "wrote tasks/docs/other.md" in out
    assert "refused slow: interrupted\nrefused health: interrupted" in out
    assert checkout.git("log", "-1", "--format=%s") == "Add docs of other: Other"
    assert list(baton.home.glob("cache/gitbaton/*/*")) == []


def test_what_somebody_writes_meanwhile_is_kept(checkout: Checkout) -> None:
    def follow(event: RunEvent) -> None:
        if event.kind == "end":
            checkout.commit({"tasks/docs/other.md": "# Mine\n"}, "Faster")

    done = write_docs(
        project(checkout, open_agent=open_agent), ["other", "health"], Asked(), on_progress=follow
    )
    assert ([d.task for d in done.written], done.kept) == (["health"], ("other",))
    assert checkout.read("tasks/docs/other.md") == "# Mine\n"


def test_claude_writes_them(checkout: Checkout, tmp_path: Path) -> None:
    checkout.commit(
        {"tasks/config.yaml": f"agent: claude\nagents: {{claude: {{adapter: claude, program: {find_claude_binary()}}}}}\n"},
        "Claude", push=True,
    )  # fmt: skip

    def hand_in(value: object) -> Any:
        return {"tool": "mcp__baton__complete_task", "input": {"summary": "Written", "result": value}}

    with ModelServer() as server:
        script = server.script("docs", [hand_in({**GOOD, "path": "../x"}), hand_in(GOOD), {"text": "There."}])
        env = {"ANTHROPIC_API_KEY": "sk-ant-test-0123456789", "ANTHROPIC_BASE_URL": script.url}
        said = Baton(checkout.path, tmp_path / "home", env).json(
            "docs", "health", "--model", "haiku", "--push"
        )
    assert (script.unplayed, script.exhausted) == (0, 0)
    assert said["pushed"] is True
    assert said["written"][0]["rounds"] == []
    assert "> By claude (haiku), for the repository at" in checkout.read("tasks/docs/health.md")
    assert "path: unknown field 'path'" in json.dumps(script.requests[1].body)  # told at once, by the tool
