"""Commands of the repository: init, validate, merge-file."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.errors import UsageError
from gitbaton.report.board_text import render_problems
from gitbaton.report.records import problem_record, record
from gitbaton.report.terminal import Style

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from gitbaton.errors import Problem
    from gitbaton.usecases.init import InitPlan


def _configure_init(p: argparse.ArgumentParser) -> None:
    p.add_argument("--yes", "-y", action="store_true", help="don't ask")


def _init(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.init import apply_init, plan_init

    project = open_here()
    plan = plan_init(project)
    fields = {
        "creates": list(plan.creates),
        "updates": list(plan.updates),
        "keeps": list(plan.keeps),
        "settings": dict(plan.settings),
    }
    if plan.empty:
        return Answer(record("init", commit=None, applied=True, **fields), "gitbaton is set up here already")
    if not a.yes and not a.json and sys.stdin.isatty():
        print(_describe(plan))
        if input("Go ahead? [Y/n] ").strip().lower() not in ("", "y", "yes"):
            return Answer(record("init", commit=None, applied=False, **fields), "nothing was changed")
        said = ""
    else:
        said = _describe(plan) + "\n"
    edited = apply_init(project, plan)
    commit = edited.commit if edited else None
    loose = list(edited.uncommitted) if edited else []
    lines = [said + (f"committed as {commit[:10]}" if commit else "set up in .git/config")]
    if loose:
        lines.append(f"{', '.join(loose)} is yours and not in git yet: it was changed, not committed")
    lines.append('go on with: baton add "Title of the first task"')
    return Answer(record("init", commit=commit, applied=True, uncommitted=loose, **fields), "\n".join(lines))


def _describe(plan: InitPlan) -> str:
    lines = []
    if plan.creates:
        lines += ["writes:", *(f"  {p}" for p in plan.creates)]
    if plan.updates:
        lines += [
            "changes:",
            *(f"  {p}" + ("  (one line more)" if p == ".gitattributes" else "") for p in plan.updates),
        ]
    if plan.keeps:
        lines += ["leaves as they are:", *(f"  {p}" for p in plan.keeps)]
    if plan.settings:
        lines += ["sets in .git/config:", *(f"  {k} = {v}" for k, v in plan.settings.items())]
    return "\n".join(lines)


def _configure_validate(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "paths", nargs="*", metavar="PATH", help="say only what is wrong with these files; all are read"
    )
    p.add_argument(
        "--format",
        choices=("text", "json", "github", "sarif"),
        default="text",
        help="for people, for programs, as annotations of a workflow run, for code scanners (default: text)",
    )


def _validate(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.validate import judge_repository

    project = open_here()
    paths = {_find_path(project.repo.top, path) for path in a.paths} or None
    problems, notes = judge_repository(project, paths)
    answer = record(
        "validation",
        problems=[problem_record(p) for p in problems],
        notes=[problem_record(n) for n in notes],
    )
    return Answer(answer, _word_problems(problems, notes, answer, a.format), 1 if problems else 0)


def _find_path(top: Path, path: str) -> str:
    """A path as the repository names it. Raises ``UsageError``."""
    absolute = Path(path).absolute()
    try:
        return Path(os.path.normpath(absolute)).relative_to(top).as_posix()
    except ValueError:
        said = f"{path} is not in this repository"
        raise UsageError(said, code="bad-path", hint="give paths of files under tasks/") from None


def _word_problems(
    problems: Sequence[Problem], notes: Sequence[Problem], answer: dict[str, Any], form: str
) -> str:
    match form:
        case "json":
            return json.dumps(answer, ensure_ascii=False)
        case "github":
            from gitbaton.report.workflow_commands import render_problem

            annotations = [*map(render_problem, problems), *(render_problem(n, "notice") for n in notes)]
            return "\n".join(annotations)
        case "sarif":
            from gitbaton.report.sarif import render_sarif

            return render_sarif(problems, notes)
        case _:
            count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
            said = f"{render_problems(problems, Style())}\n{count}" if problems else "every file is valid"
            return "\n".join([*(f"note: {note}" for note in notes), said])


def _configure_merge(p: argparse.ArgumentParser) -> None:
    for name, what in (
        ("base", "%%O: common ancestor"),
        ("ours", "%%A: our version, and where the result goes"),
        ("theirs", "%%B: their version"),
    ):
        p.add_argument(name, help=what)
    p.add_argument("path", nargs="?", help="%%P: the file's path in the repository")


def _merge(a: argparse.Namespace) -> int:
    from gitbaton.store.merge import merge_files

    return 0 if merge_files(Path(a.base), Path(a.ours), Path(a.theirs), a.path or a.ours) else 1


COMMANDS = {
    "init": Command("Set up this repository: settings, schemas for editors, the merge driver. Never overwrites your files; running it again is safe.", _configure_init, _init, ("baton init", "baton init --yes")),
    "validate": Command("Check every document under tasks/ of the working tree, untracked files included. Exit code 1: there are problems.", _configure_validate, _validate, ("baton validate", "baton validate tasks/add-health.yaml", "baton validate --format sarif", "baton validate --format github", "baton validate --json")),
    "merge-file": Command("git's merge driver for task files: merges field by field. git calls it; `baton init` sets it up.", _configure_merge, _merge, ('git config merge.baton.driver "baton merge-file %O %A %B %P"',)),
}  # fmt: skip
