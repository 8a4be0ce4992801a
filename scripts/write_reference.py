"""Write the generated pages of ``docs/reference`` from schemas, parsers and tables, or say with ``--check``
whether one lags behind.

Run it from anywhere: ``python scripts/write_reference.py [--check]``.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gitbaton.cli.face import Command

TOP = Path(__file__).parents[1]
FOLDER = TOP / "docs" / "reference"
NOTE = "<!-- Written by scripts/write_reference.py. Change what it is written from, not this page. -->\n"
_ARROWS_MAX = 6
#: Kind of document → where it stands, for people.
KINDS = {
    "task": "`tasks/ID.yaml`, or any folder below `tasks/` that has no meaning of its own",
    "plan": "`tasks/plans/ID.yaml`",
    "config": "`tasks/config.yaml`",
    "handoff": "`tasks/handoffs/TASK/TIME-RUN.yaml`, written by the runner and by `baton context save`",
    "role": "`tasks/roles/NAME.yaml`",
    "workflow": "`tasks/workflows/NAME.yaml`",
    "state": "`state.yaml` at the tip of the ref `refs/baton/tasks/ID`, written by gitbaton alone",
}


# -- documents --------------------------------------------------------------------------------------------


def render_kind(kind: str) -> str:
    """The page of one kind of document."""
    from gitbaton.store.schemas import field_order
    from gitbaton.store.yamlwrite import render_yaml

    schema = json.loads((TOP / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8"))
    parts: dict[str, Any] = schema.get("$defs", {})
    used = list(_iter_parts(schema, parts))
    lines = [f"# {schema['title']} file", "", NOTE, schema["description"], "", f"It stands in {KINDS[kind]}."]
    lines += ["", "Fields that begin with `x-` are yours; any other unknown field is refused.", ""]
    lines += _table(schema, parts)
    for name in used:
        lines += ["", f"## {parts[name]['title']}", "", parts[name].get("description", ""), ""]
        lines += _table(parts[name], parts)
    if any("duration" in line for line in lines):
        lines += ["", "A duration is a number of seconds, or a number with a unit: `90s`, `10m`, `2h`, `1d`."]
    lines += ["", "## Examples"]
    for example in schema.get("examples", []):
        lines += ["", "```yaml", render_yaml(example, order=field_order(kind)).rstrip("\n"), "```"]
    return "\n".join(lines) + "\n"


def _iter_parts(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Iterator[str]:
    """Names of the parts that a schema uses, in the order in which a reader meets them."""
    found: list[str] = []

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name in parts and name not in found:
                found.append(name)
                visit(parts[name].get("properties", {}))
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)

    visit(schema.get("properties", {}))
    yield from (name for name in found if "properties" in parts[name])


def _table(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> list[str]:
    rows = ["| field | takes | default | meaning |", "| --- | --- | --- | --- |"]
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        default = "required" if name in required else _default(field)
        rows.append(
            f"| `{name}` | {_words(field, parts)} | {default} | {_cell(field.get('description', ''))} |"
        )
    return rows


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    if value in (None, [], {}) or isinstance(value, dict):
        return ""
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def _words(field: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """What a field takes, in words."""
    if "$ref" in field:
        part = parts[field["$ref"].rpartition("/")[2]]
        return _link(part) if "properties" in part else _words(part, parts)
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"] if value is not None)
    if "anyOf" in field:
        options = [o for o in field["anyOf"] if o.get("type") != "null"]
        if any("[smhd]" in str(o.get("pattern", "")) for o in options):
            return "duration"
        return " or ".join(dict.fromkeys(_words(o, parts) for o in options))
    kinds = field.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else [k for k in kinds if k != "null"]
    match kinds:
        case ["array"]:
            return f"list of {_words(field['items'], parts)}"
        case ["object"]:
            inner = field.get("additionalProperties")
            return f"{_words(inner, parts)} by name" if isinstance(inner, dict) and inner else "object"
        case ["integer"]:
            return "integer"
        case ["number"]:
            return "number"
        case ["boolean"]:
            return "`true` or `false`"
        case _ if "[a-z0-9]" in str(field.get("pattern", "")):
            return "id"
        case _ if "string" in kinds:
            return "text"
        case _:
            return "anything"


def _link(part: Mapping[str, Any]) -> str:
    title = part["title"]
    return f"[{title.lower()}](#{_anchor(title)})"


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("*", "\\*")


# -- commands ---------------------------------------------------------------------------------------------


def render_commands() -> str:
    """The page of all commands."""
    from gitbaton.cli import COMMANDS

    lines = [
        "# Commands",
        "",
        NOTE,
        "`baton COMMAND --help` prints the same. `git baton COMMAND` works, too.",
    ]
    lines += [
        "Every command takes `--json` and then answers with one JSON object: see",
        "[answers for programs](json.md). Exit codes: [what they mean](exit-codes.md).",
    ]
    group = ""
    for name, listed in COMMANDS.items():
        if listed.group != group:
            group = listed.group
            lines += ["", f"## {group}"]
        command: Command = import_module(f"gitbaton.cli.{listed.module}").COMMANDS[name]
        lines += ["", f"### baton {name}", "", *_describe_command(name, command)]
    return "\n".join(lines) + "\n"


def _describe_command(name: str, command: Command) -> list[str]:
    from gitbaton.cli.face import build_parser

    parser = build_parser(name, command)
    rows, usage = [], [f"baton {name}"]
    for action in parser._actions:  # noqa: SLF001 argparse has no public list of them
        if action.dest in ("help", "json"):
            continue
        value = "" if action.nargs == 0 else _value(action)
        words = [f"{flag} {value}".strip() for flag in action.option_strings] or [value]
        usual = words[-1]
        if action.nargs in ("*", "+"):
            usual += " …"
        usage.append(
            usual
            if action.required or (not action.option_strings and action.nargs not in ("?", "*"))
            else f"[{usual}]"
        )
        text = (action.help or "").replace("%%", "%")
        rows.append(f"| {', '.join(f'`{w}`' for w in words)} | {_cell(text)} |")
    lines = [" ".join(command.describe.split()), "", "```text", " ".join(usage), "```"]
    if rows:
        lines += ["", "| argument | meaning |", "| --- | --- |", *rows]
    if command.examples:
        lines += ["", "```text", *command.examples, "```"]
    return lines


def _value(action: argparse.Action) -> str:
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or (action.dest.upper()))


# -- tables -----------------------------------------------------------------------------------------------


def render_states() -> str:
    """The page of states, drawn from the lifecycle table."""
    from gitbaton.domain.lifecycle import TABLE

    lines = ["# Lifecycle of a task", "", NOTE]
    lines += [
        "The live state of a task is the document at the tip of its state ref. It moves by these events, each one",
        "commit. An event from any other status is refused and changes nothing. What a task file says (`draft`, `done`,",
        "`cancelled`, `hold`) and what the board derives (`ready`, `waiting`, `stale`) is explained in",
        "[how state works](../explanation/state.md).",
        "",
        f"An event that is legal from more than {_ARROWS_MAX} statuses is drawn from `in_review` only; the table has them all.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> open",
    ]
    arrows: dict[tuple[str, str], list[str]] = {}
    for event, rule in TABLE.items():
        if rule.target in ("same", "before"):
            continue
        sources = rule.sources if len(rule.sources) <= _ARROWS_MAX else ("in_review",)
        for source in sources:
            arrows.setdefault((source, rule.target), []).append(event)
    lines += [f"    {a} --> {b}: {', '.join(events)}" for (a, b), events in arrows.items()]
    lines += [
        "    merged --> [*]",
        "```",
        "",
        "| event | from | to | caused by | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    targets = {"same": "(stays)", "before": "where it was claimed from"}
    for event, rule in TABLE.items():
        target = targets.get(rule.target, f"`{rule.target}`")
        sources = ", ".join(f"`{s}`" for s in rule.sources)
        by = rule.actor + (", only by the holder of the claim" if rule.fenced else "")
        lines.append(f"| `{event}` | {sources} | {target} | {by} | {rule.words} |")
    return "\n".join(lines) + "\n"


def render_outcomes() -> str:
    """The page of outcomes."""
    from gitbaton.domain.outcome import OUTCOMES, say_next_step

    lines = ["# How an attempt ends", "", NOTE]
    lines += [
        "Every attempt ends with one of these outcomes. It stands in the task's state and in the handoff.",
        "*To review*: the work is published for review; otherwise the task is `failed` (or `needs_input`, `stopped`).",
        "*May pass*: another attempt may succeed without anybody's help.",
        "*Infrastructure*: says nothing about the task; counts for the circuit breaker.",
        "*Handed back*: the agent is told and goes on in the same attempt, `retries.fix_rounds` times at most; this is",
        "how it ends when that did not help.",
        "",
        "| outcome | meaning | to review | may pass | infrastructure | handed back |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for outcome, rule in OUTCOMES.items():
        flags = (rule.good, rule.transient, rule.infrastructure, rule.mendable)
        marks = " | ".join("yes" if flag else "" for flag in flags)
        lines.append(f"| `{outcome.value}` | {rule.words} | {marks} |")
    lines += ["", "## What to do next", "", "| outcome | next step |", "| --- | --- |"]
    lines += [f"| `{o.value}` | {_mark_commands(say_next_step(o, 'ID'))} |" for o in OUTCOMES]
    return "\n".join(lines) + "\n"


def _mark_commands(words: str) -> str:
    """``words`` with its commands marked as code."""
    return re.sub(
        r"baton [a-z]+(?: (?:ID|--?[a-z-]+|\"[^\"]*\"|[a-z_.]+=[^\s;]*))*", lambda m: f"`{m[0]}`", words
    )


# -- workflows and roles ----------------------------------------------------------------------------------


def render_recipes() -> str:
    """The page of the workflows and roles that ship."""
    from gitbaton.domain.workflow import Workflow
    from gitbaton.store.documents import parse_document
    from gitbaton.store.library import read_builtin
    from gitbaton.store.roles import builtin_roles

    lines = ["# Workflows and roles that ship", "", NOTE]
    lines += [
        "A file of the same name in `tasks/workflows/` or `tasks/roles/` replaces what ships; a role may extend it instead.",
        "`baton workflow show NAME` and `baton role show NAME` print all of one. What may stand in such files:",
        "[workflow](workflow-file.md), [role](role-file.md). Each workflow is used once in",
        "[the tutorial](../tutorial/workflows.md).",
    ]
    for name, volume in read_builtin("workflows").items():
        lines += [
            "",
            f"## {name}",
            "",
            *_describe_recipe(parse_document(volume.text, volume.path, Workflow, "workflow")),
        ]
    lines += ["", "## Roles", "", "| role | what it is for |", "| --- | --- |"]
    for name, role in builtin_roles().items():
        also = f" ({', '.join(f'`{alias}`' for alias in role.aliases)})" if role.aliases else ""
        lines.append(f"| `{name}`{also} | {_cell(role.purpose or '')} |")
    lines += ["", "Any other name is allowed in a task; it adds no guidance, and `baton validate` notes it."]
    return "\n".join(lines) + "\n"


def _describe_recipe(workflow: Any) -> list[str]:
    lines = [f"**{workflow.title}.** {' '.join((workflow.description or '').split())}", ""]
    lines += ["| parameter | default | what to give |", "| --- | --- | --- |"]
    for name, p in workflow.parameters.items():
        default = "required" if p.required else f"`{p.default}`" if p.default else ""
        choice = f" One of {', '.join(f'`{word}`' for word in p.one_of)}." if p.one_of else ""
        lines.append(f"| `{name}` | {default} | {_cell(p.description or '')}{'.' * bool(choice)}{choice} |")
    lines += ["", "| step | role | title | when |", "| --- | --- | --- | --- |"]
    for step in workflow.steps:
        when = [f"after {', '.join(step.depends_on)}"] if step.depends_on else []
        when += [f"if `{step.when}`"] if step.when else []
        when += [f"part of {step.parent}"] if step.parent else []
        when += ["a person does it"] if step.hold else []
        lines.append(f"| {step.id} | {step.role or ''} | {_cell(step.title)} | {'; '.join(when)} |")
    for repeat in workflow.repeat:
        how = f"once for each of `{repeat.over}`" if repeat.over is not None else f"`{repeat.times}` times"
        lines += ["", f"{', '.join(repeat.steps).capitalize()}: {how}, one round after the other."]
    return lines


# -- promises ---------------------------------------------------------------------------------------------

#: Part of ``tests/promises.toml`` → its heading.
PARTS = {
    "state": "Live state", "claim": "Claims", "cap": "Bounds", "fence": "Fencing", "lease": "Leases",
    "person": "People at work", "forge": "Reviews", "refusal": "Refused pushes", "attempt": "Attempts", "command": "Commands", "edit": "Edits", "merge": "Merges", "accept": "Accepting",
}  # fmt: skip


def render_promises() -> str:
    """The page of promises, each with the tests that prove it."""
    from support.promises import iter_modules, read_promises

    proofs: dict[str, list[str]] = {}
    for module in iter_modules():
        link = f"[`{module.path}`](../../tests/{module.path})"
        for name in module.promises:
            proofs.setdefault(name, []).append(f"{link} as a whole")
        for name in dict.fromkeys(name for names in module.tests.values() for name in names):
            tests = [test for test, names in module.tests.items() if name in names]
            said = "; ".join(test.removeprefix("test_").replace("_", " ") for test in tests)
            proofs.setdefault(name, []).append(f"{link}: {said}")
    lines = ["# What is promised", "", NOTE]
    lines += [
        "What gitbaton promises about claims and edits, and the tests that prove it. A promise without a test, and a test",
        "of claims or edits without a promise, fail the build.",
    ]
    for part, promises in read_promises().items():
        lines += ["", f"## {PARTS.get(part, part.capitalize())}"]
        for name, sentence in promises.items():
            lines += ["", f"**{sentence}** `{part}.{name}`", ""]
            lines += [f"- {proof}" for proof in proofs.get(f"{part}.{name}", [])]
    return "\n".join(lines) + "\n"


def iter_pages() -> Iterator[tuple[str, str]]:
    """File name and text of every generated page."""
    for kind in KINDS:
        yield f"{kind}-file.md", render_kind(kind)
    yield "commands.md", render_commands()
    yield "states.md", render_states()
    yield "outcomes.md", render_outcomes()
    yield "recipes.md", render_recipes()
    yield "promises.md", render_promises()


def find_stale(pages: Iterable[tuple[str, str]]) -> dict[str, str]:
    """File name → text it should have, for every page that differs."""
    stale = {}
    for name, text in pages:
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale[name] = text
    return stale


def main(arguments: list[str]) -> int:
    """Exit code 1 when ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a page lags behind")
    asked = parser.parse_args(arguments)
    stale = find_stale(iter_pages())
    for name, text in stale.items():
        sys.stdout.write(f"{'stale' if asked.check else 'written'}: docs/reference/{name}\n")
        if not asked.check:
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text(text, encoding="utf-8")
    if asked.check and stale:
        sys.stdout.write("run: python scripts/write_reference.py\n")
    return 1 if asked.check and stale else 0


if __name__ == "__main__":
    sys.path[:0] = [str(TOP / "src"), str(TOP / "tests")]
    raise SystemExit(main(sys.argv[1:]))
