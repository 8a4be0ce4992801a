"""Any words on the command line, any arguments to a tool: an answer or an error that a person or a model can act on."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.cli import COMMANDS, main
from support.mcp_talk import Talk, talk
from support.nasty import FEW, words
from support.repos import Checkout, make_repository, project

if TYPE_CHECKING:
    from collections.abc import Iterator

#: They wait for somebody, or start programs.
LEFT_OUT = {"mcp", "demo", "run"}
KNOWN_CODES = {0, 1, 2, 3, 4, 75}
FILES: dict[str, str | bytes | None] = {
    "tasks/a.yaml": "title: A\n",
    "tasks/b.yaml": "title: B\ndepends_on: [a]\n",
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return make_repository(tmp_path_factory.mktemp("words"), FILES)


@FEW
@given(st.sampled_from(sorted(set(COMMANDS) - LEFT_OUT)), st.lists(words, max_size=4))
def test_any_command_line(work: Checkout, command: str, given_words: list[str]) -> None:
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(work.path)
        patch.setattr("sys.stdin", io.StringIO())
        code = main([command, *given_words])
    assert code in KNOWN_CODES, f"{code}: {err.getvalue()}"
    assert code == 0 or (out.getvalue() + err.getvalue()).strip(), "it failed in silence"
    work.git("reset", "--quiet", "--hard")


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    checkout = make_repository(tmp_path_factory.mktemp("tools"), FILES)
    with talk(lambda: project(checkout)) as talking:
        yield talking


#: What JSON can carry: no halves of surrogate pairs.
texts = words.filter(lambda text: text.isascii() or text.encode(errors="replace").decode() == text)
values = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.integers(),
    st.lists(texts, max_size=2),
    st.dictionaries(texts, texts, max_size=2),
)


@FEW
@given(st.data())
def test_any_arguments(conversation: Talk, data: st.DataObject) -> None:
    tools = {tool.name: sorted(tool.input_schema.get("properties", {})) for tool in conversation.list_tools()}
    name = data.draw(st.sampled_from(sorted(tools)))
    known = [*tools[name], "nope"]
    arguments: dict[str, Any] = data.draw(st.dictionaries(st.sampled_from(known), values, max_size=4))
    result = conversation.try_call(name, arguments)
    said = "".join(getattr(block, "text", "") for block in result.content)
    assert said
    assert not said.startswith("bug:"), said
