"""The page of problem codes: every code there is, each with a file that shows it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from gitbaton.usecases.validate import judge_repository, validate_repository
from support.repos import make_repository, project

TOP = Path(__file__).parents[2]
PAGE = TOP / "docs" / "reference" / "problems.md"
#: Nothing shows these: as root every file can be read, and models and schemas agree.
UNSEEN = {"unreadable", "schema"}

# code → the smallest files that show it; text without a path is a task
EXAMPLES: dict[str, str | bytes | dict[str, str]] = {
    "alias": "title: &a t\n",
    "bad-file-name": {"tasks/A.yaml": "title: t\n"},
    "bad-format": "title: |\n  a\n  b\n",
    "bad-id": "title: t\nparent: A\n",
    "bad-schema": "title: t\nresult_schema: {type: 1}\n",
    "bad-value": "title: t\nrun: {timeout: soon}\n",
    "conflict-markers": "<<<<<<< HEAD\ntitle: t\n",
    "control-character": "title: a\x01b\n",
    "dangling-dependency": "title: t\ndepends_on: [gone]\n",
    "dangling-parent": "title: t\nparent: gone\n",
    "dangling-plan": "title: t\nplan: gone\n",
    "dangling-task": {"tasks/plans/p.yaml": "title: p\ntasks: [gone]\n"},
    "dependency-cycle": {"tasks/a.yaml": "title: t\ndepends_on: [b]\n", "tasks/b.yaml": "title: t\ndepends_on: [a]\n"},
    "depends-on-ancestor": {"tasks/a.yaml": "title: t\n", "tasks/b.yaml": "title: t\nparent: a\ndepends_on: [a]\n"},
    "depends-on-itself": {"tasks/a.yaml": "title: t\ndepends_on: [a]\n"},
    "duplicate-id": {"tasks/a.yaml": "title: t\n", "tasks/b/a.yaml": "title: t\n"},
    "duplicate-key": "title: t\ntitle: u\n",
    "empty": "# nothing\n",
    "empty-text": "title: ''\n",
    "encoding": b"title: \xff\n",
    "key": "title: t\n[a]: b\n",
    "missing-field": "status: todo\n",
    "multiple-documents": "title: t\n---\ntitle: u\n",
    "not-a-file": {"tasks/a.yaml": "-> b.yaml"},
    "not-a-folder": {"tasks/a.yaml": "title: t\n", "tasks/more": "-> ../tasks"},
    "not-a-mapping": "- title\n",
    "not-allowed": "title: t\nstatus: later\n",
    "number": f"title: t\nprogress: {{percent: {'9' * 5000}}}\n",
    "out-of-range": "title: t\nprogress: {percent: 101}\n",
    "parent-cycle": {"tasks/a.yaml": "title: t\nparent: a\n"},
    "dangling-role": {"tasks/roles/r.yaml": "extends: nobody\n"},
    "role-cycle": {"tasks/roles/r.yaml": "extends: r\n"},
    "plan-mismatch": {"tasks/a.yaml": "title: t\n", "tasks/plans/p.yaml": "title: p\ntasks: [a]\n"},
    "syntax": "title: [t\n",
    "tab": "title: t\nrun:\n\tmodel: x\n",
    "tag": "title: !!str t\n",
    "too-deep": "title: t\nx-y: " + "[" * 200 + "]" * 200 + "\n",
    "too-large": "title: t\n" + "#" * 1_100_000 + "\n",
    "too-long": f"title: {'t' * 201}\n",
    "too-short": {"tasks/workflows/w.yaml": "title: w\nsteps: []\n"},
    "unknown-agent": "title: t\nrun: {agent: nobody}\n",
    "unknown-field": "title: t\ncolour: red\n",
    "unknown-mcp-server": "title: t\nrun: {mcp_servers: [docs]}\n",
    "bad-condition": {"tasks/workflows/w.yaml": "title: w\nsteps: [{id: a, title: a, when: a and b}]\n"},
    "bad-parameter": {"tasks/workflows/w.yaml": "title: w\nparameters: {item: {}}\nsteps: [{id: a, title: a, when: item}]\n"},
    "bad-repeat": {"tasks/workflows/w.yaml": "title: w\nsteps: [{id: a, title: a}]\nrepeat: [{steps: [a], times: 99}]\n"},
    "unset-parameter": {"tasks/workflows/w.yaml": "title: w\nparameters: {p: {}}\nsteps: [{id: a, title: '{{p}}'}]\n"},
    "unknown-parameter": {"tasks/workflows/w.yaml": "title: w\nsteps: [{id: a, title: a, when: x}]\n"},
    "unknown-role": "title: t\nrole: testers\n",
    "unknown-service": {"tasks/config.yaml": "services: {api: {}}\n", "tasks/a.yaml": "title: t\nservice: web\n"},
    "wrong-folder": {"tasks/handoffs/a/1.yaml": "task: b\n"},
    "wrong-type": "title: [t]\n",
}  # fmt: skip


#: What is allowed, but perhaps not meant.
NOTES: dict[str, dict[str, str]] = {
    "undescribed-role": {"tasks/t.yaml": "title: t\nrole: wizard\n"},
    "unknown-milestone": {"tasks/t.yaml": "title: t\nmilestone: v1\n"},
    "unclear-date": {"tasks/config.yaml": "milestones: {v1: {due: soon}}\n"},
    "unused-parameter": {
        "tasks/workflows/w.yaml": "title: w\nparameters: {p: {}}\nsteps: [{id: a, title: a}]\n"
    },
}


def codes_on_the_page() -> list[str]:
    """Codes of the tables' first cells, and of the last paragraph."""
    text = PAGE.read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) + re.findall(r"^(`schema`)", text, re.MULTILINE)
    return re.findall(r"`([a-z-]+)`", " ".join(cells))


def codes_in_the_source() -> set[str]:
    """Codes that stand as such where problems and findings are made."""
    found: set[str] = set()
    sources = [*(TOP / "src/gitbaton/store").glob("*.py"), *(TOP / "src/gitbaton").glob("*/rules.py")]
    for path in [*sources, TOP / "src/gitbaton/usecases/validate.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                at = {"Problem": 4, "Finding": 2}.get(node.func.id, 99)
                if len(node.args) > at and isinstance(code := node.args[at], ast.Constant):
                    found.add(str(code.value))
    return found - {"edit-refused"}  # not of a file, but of a wish


@pytest.mark.parametrize("code", EXAMPLES)
def test_each_code_has_a_file_that_shows_it(tmp_path: Path, code: str) -> None:
    example = EXAMPLES[code]
    files = example if isinstance(example, dict) else {"tasks/t.yaml": example}
    checkout = make_repository(tmp_path)
    for name, text in files.items():
        if isinstance(text, str) and text.startswith("-> "):
            (checkout.path / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout.path / name).symlink_to(text[3:])
        else:
            checkout.write({name: text})
    assert {p.code for p in validate_repository(project(checkout))} == {code}


@pytest.mark.parametrize("code", NOTES)
def test_each_note_has_a_file_that_shows_it(tmp_path: Path, code: str) -> None:
    checkout = make_repository(tmp_path)
    checkout.write(NOTES[code])
    judged = judge_repository(project(checkout))
    assert ([n.code for n in judged.notes], judged.problems) == ([code], [])


def test_the_page_lists_every_code_once() -> None:
    assert sorted(codes_on_the_page()) == sorted({*EXAMPLES, *UNSEEN, *NOTES})


def test_no_code_of_the_source_is_left_out() -> None:
    assert codes_in_the_source() <= {*EXAMPLES, *UNSEEN, *NOTES}
    assert len(codes_in_the_source()) > 20
