"""What README and docs say is true: their commands run, their outputs are current, their links lead somewhere."""

from __future__ import annotations

import itertools
import re
import runpy
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.cli import COMMANDS
from gitbaton.cli.face import build_parser
from support.cli import SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[1]
PAGES = sorted(
    p.relative_to(TOP)
    for p in [
        *TOP.glob("*.md"),
        *(TOP / "docs").rglob("*.md"),
        *(TOP / "tests/cli/golden").glob("*.md"),
        TOP / "changes/README.md",
        TOP / "benchmarks/README.md",
    ]
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
EXAMPLES = [(name, example) for name, listed in COMMANDS.items() for example in
            import_module(f"gitbaton.cli.{listed.module}").COMMANDS[name].examples]  # fmt: skip


def run_script(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TOP / "scripts" / name), *words],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": SOURCE, "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_tells_the_truth(page: Path) -> None:
    done = run_script("write_docs.py", "--check", str(TOP / page))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_generated_pages_are_current() -> None:
    done = run_script("write_reference.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def iter_anchors(page: Path) -> Iterator[str]:
    """The anchors that GitHub makes of a page's headings."""
    for line in re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL).splitlines():
        if heading := re.match(r"#+ (.*)", line):
            yield re.sub(r"[^\w\- ]", "", heading[1].lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", (TOP / page).read_text("utf-8"), flags=re.DOTALL)
    broken = []
    for target in LINK.findall(text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (TOP / page).parent / path if path else TOP / page
        if not there.exists() or (anchor and anchor not in iter_anchors(there)):
            broken.append(target)
    assert not broken


def test_the_overview_leads_to_every_page() -> None:
    overview = TOP / "docs" / "README.md"
    linked = {
        (overview.parent / target.partition("#")[0]).resolve()
        for target in LINK.findall(overview.read_text("utf-8"))
    }
    pages = [p for p in (TOP / "docs").rglob("*.md") if p != overview and "decisions" not in p.parts]
    assert [str(p.relative_to(TOP)) for p in pages if p not in linked] == []


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=lambda x: x if " " in x else "")
def test_the_examples_in_the_help_can_be_typed(name: str, example: str) -> None:
    words = list(itertools.takewhile(lambda word: word not in ("<", ">", "|"), shlex.split(example)))
    if words[0] == "baton":
        assert words[1] == name
        command = import_module(f"gitbaton.cli.{COMMANDS[name].module}").COMMANDS[name]
        build_parser(name, command).parse_args(words[2:])


def test_the_commands_for_setting_up_are_those_that_ci_runs() -> None:
    """README's lines that install something are not run here; ``.ci/run`` runs the very same ones."""
    ran = (TOP / ".ci" / "run").read_text("utf-8")
    lines = [
        line
        for line in (TOP / "README.md").read_text("utf-8").splitlines()
        if line.startswith("python3 -m venv")
    ]
    assert len(lines) == 2
    assert [line for line in lines if line not in ran] == []


# -- the script that checks the pages ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(TOP / "scripts" / "write_docs.py"))


def test_outputs_are_compared_by_form(script: dict[str, Any]) -> None:
    alike = script["say_alike"]
    assert alike(["done in 0.3 s at 1a2b3c4d5e"], ["done in 12.0 s at ffee001122"])
    assert alike(["a", "…", "z"], ["a", "b", "c", "z"])
    assert alike(["a", "…", "z"], ["a", "z"])
    assert alike(["got … of it"], ["got none of it"])
    assert not alike(["a", "z"], ["a", "b", "z"])
    assert not alike(["3 tasks"], ["4 tasks"])
    assert not alike(["a.c"], ["abc"])


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("```console\n$ echo one\ntwo\n```\n", "but the page says"),
        ("```console\n$ echo one\none\n$ false\n```\n", "exit code 1, not 0"),
        ("<!-- exit: 3 -->\n```console\n$ exit 3\n```\n", None),
        ("```console\n$ mkdir a && cd a\n$ basename $PWD\na\n```\n", None),
        ("```console\n$ cat <<'END'\n> one\n> END\none\n```\n", None),
        ("<!-- file: a/b.txt -->\n```text\nhello\n```\n```console\n$ cat a/b.txt\nhello\n```\n", None),
        ("<!-- prints: echo one; echo two -->\n```text\none\n…\n```\n", None),
        ("<!-- prints: echo one -->\n```text\n$ two\n```\n", "but the page says"),
        ("```sh\nrm -rf /\n```\n", "say why nobody runs this block"),
        ("<!-- not run: it would be a pity -->\n```sh\nrm -rf /\n```\n", None),
        ("```yaml\n# tasks/a.yaml\ntitel: A\n```\n", "unknown field 'titel'"),
        ("```yaml\n# tasks/a.yaml\ntitle: A\n```\n", None),
        ("```json\n{\n```\n", "no JSON"),
    ],
)
def test_a_page_that_is_wrong(script: dict[str, Any], page: str, problem: str | None) -> None:
    text, problems = script["run_page"](page)
    if problem is None:
        assert (text, problems) == (page, [])
    else:
        assert problem in "\n".join(problems)
