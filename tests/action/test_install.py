"""Claude Code from npm, with an npm that only says what it was asked."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from gitbaton.edges.claude_install import install_claude
from gitbaton.errors import BatonError
from support.action_stage import bash, notes, render_config, write
from support.claude_binary import find_claude_binary

if TYPE_CHECKING:
    from pathlib import Path

    from support.action_stage import Stage

#: Puts a program where npm would: the one named in $FAKE_CLAUDE.
NPM = """\
#!/bin/sh
echo "npm $*"
echo "::error::npm is loud"
env > "$(dirname "$0")/npm.env"
[ -n "$NPM_FAILS" ] && exit 3
while [ "$1" != --prefix ]; do shift; done
mkdir -p "$2/node_modules/.bin"
[ -n "$FAKE_CLAUDE" ] && ln -s "$FAKE_CLAUDE" "$2/node_modules/.bin/claude"
exit 0
"""


def put_npm(folder: Path) -> Path:
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(NPM, "utf-8")
    npm.chmod(0o755)
    return folder


def search_path(*folders: Path) -> dict[str, str]:
    return {"PATH": os.pathsep.join([*map(str, folders), "/usr/bin", "/bin"])}


def test_it_installs_the_version_asked_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    env = {**search_path(put_npm(tmp_path / "bin")), "FAKE_CLAUDE": sys.executable}
    programs = install_claude("2.1.329", tmp_path / "there", env)
    assert (programs / "claude").resolve() == (tmp_path / "there/node_modules/.bin/claude").resolve()
    told = capfd.readouterr().out.splitlines()
    assert told[0] == (
        f"npm install --no-fund --no-audit --prefix {tmp_path / 'there'} @anthropic-ai/claude-code@2.1.329"
    )


@pytest.mark.parametrize(
    ("version", "more", "code"),
    [
        ("2.1.329", {"NPM_FAILS": "1"}, "install-failed"),
        ("2.1.329", {}, "install-failed"),  # npm is content, but there is no program
        ("npm:other", {}, "bad-version"),
        ("../here", {}, "bad-version"),
        ("", {}, "bad-version"),
    ],
)
def test_what_can_go_wrong(tmp_path: Path, version: str, more: dict[str, str], code: str) -> None:
    env = {**search_path(put_npm(tmp_path / "bin")), **more}
    with pytest.raises(BatonError) as refused:
        install_claude(version, tmp_path / "there", env)
    assert refused.value.code == code


def test_without_npm(tmp_path: Path) -> None:
    with pytest.raises(BatonError) as refused:
        install_claude("2.1.329", tmp_path, {"PATH": str(tmp_path)})
    assert refused.value.code == "no-npm"
    assert "actions/setup-node" in (refused.value.hint or "")


@pytest.mark.node
def test_the_action_installs_what_is_not_there(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sees no secret, its words are text, and the agent then runs what it brought."""
    npm = put_npm(tmp_path / "bin")
    path = [p for p in os.environ["PATH"].split(os.pathsep) if not os.path.exists(f"{p}/claude")]  # noqa: PTH110 text
    monkeypatch.setenv("PATH", os.pathsep.join([str(npm), *path]))
    stage.more = {"FAKE_CLAUDE": str(find_claude_binary())}
    stage.commit(
        {"tasks/config.yaml": render_config(agents={"claude": {}}), "tasks/greet.yaml": "title: Greet\n"}
    )
    stage.play([bash("command -v claude"), write("hello.txt", "hello\n"), {"text": "Done."}])
    done = stage.run()
    assert done.succeeded, done.text
    assert notes(done) == []
    assert "::error::npm is loud" in done.text
    seen = (npm / "npm.env").read_text("utf-8")
    for secret in (*stage.secrets.values(), *stage.tokens):
        assert secret not in seen
    assert "AUTHORIZATION" not in seen
    assert "gitbaton-claude/node_modules/.bin/claude" in str(stage.script.requests[1].body["messages"][-1])
