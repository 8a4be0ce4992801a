"""Commands on roles: role list, show, new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.delivery import add_delivery, delivery_record, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.states import describe_edit
from gitbaton.errors import UsageError
from gitbaton.report.records import problem_record, record
from gitbaton.report.terminal import Style, align

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.roles import ListedRole

_ACTIONS = ("list", "show", "new")


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument("action", choices=_ACTIONS, nargs="?", default="list", help="what to do (default: list)")
    p.add_argument("name", nargs="?", metavar="NAME", help="name of a role")
    p.add_argument(
        "--text", action="store_true", help="show: print its file, to make one of your own from it"
    )
    p.add_argument(
        "--extends", metavar="ROLE", help="new: the role that it adds to; its own name: the built-in one"
    )
    p.add_argument("--purpose", metavar="TEXT", help="new: what it is for, in one sentence")
    add_delivery(p)


def _role(a: argparse.Namespace) -> Answer:
    if a.action != "new":
        for name in ("extends", "purpose", "push", "base", "propose"):
            if getattr(a, name):
                raise UsageError(f"{a.action} takes no --{name}", code="usage", hint="baton role --help")
    if a.action != "list" and not a.name:
        hint = "see them with: baton role list" if a.action == "show" else 'baton role new NAME --purpose "…"'
        raise UsageError("which role?", code="usage", hint=hint)
    match a.action:
        case "list" if a.name:
            raise UsageError("list takes nothing more", code="usage", hint=f"baton role show {a.name}")
        case "list":
            return _list()
        case "show":
            return _show(a.name)
        case _:
            return _new(a)


def _list() -> Answer:
    from gitbaton.usecases.roles import list_roles

    found = list_roles(open_here())
    rows = [
        [one.name, _tell_source(one), (one.found.role.purpose or "") if one.found else ""] for one in found
    ]
    colors = [[None, "red" if one.problems else "dim" if one.builtin else "green", None] for one in found]
    text = align(rows, Style(), colors) + "\nany other name is allowed in a task, and adds no guidance"
    return Answer(record("role", roles=[_record(one) for one in found]), text)


def _tell_source(one: ListedRole) -> str:
    if one.problems:
        return "broken"
    below = f", extends {one.found.extends[0]}" if one.found and one.found.extends else ""
    if one.builtin:
        return "built in"
    if one.replaces and below != f", extends {one.name}":
        return f"yours, in place of the built-in one{below}"
    return f"yours{below.replace(f'extends {one.name}', 'extends the built-in one')}"


def _record(one: ListedRole) -> dict[str, object]:
    role = one.found.role if one.found else None
    return {
        "name": one.name, "title": role.title if role else None, "purpose": role.purpose if role else None, "path": one.path,
        "builtin": one.builtin, "replaces": one.replaces, "aliases": list(one.aliases),
        "extends": list(one.found.extends) if one.found else [], "problems": [problem_record(p) for p in one.problems],
    }  # fmt: skip


def _show(name: str) -> Answer:
    from gitbaton.usecases.roles import get_role

    one = get_role(open_here(), name)
    assert one.found is not None
    role = one.found.role
    fields = {
        **_record(one), "guidance": role.guidance, "definition_of_done": list(role.definition_of_done),
        "allowed_tools": list(role.allowed_tools), "model": role.model,
        "checks": [check.model_dump(mode="json", exclude_defaults=True) for check in role.checks],
    }  # fmt: skip
    return Answer(record("role", **fields), _describe(one))


def _describe(one: ListedRole) -> str:
    assert one.found is not None
    role = one.found.role
    lines = [Style().paint(f"{one.name}: {role.title or one.name}", "bold"), f"  {_tell_source(one)}"]
    if one.aliases:
        lines.append(f"  also called {', '.join(one.aliases)}")
    lines += ["", (role.purpose or "").strip()]
    if role.guidance:
        lines += ["", role.guidance.strip()]
    if role.definition_of_done:
        lines += ["", "done when:", *(f"- {item.strip()}" for item in role.definition_of_done)]
    for words, items in (
        ("tools", role.allowed_tools),
        ("model", [role.model] if role.model else []),
        ("checks", [f"{check.name}: {check.run}" for check in role.checks]),
    ):
        if items:
            lines += ["", f"{words}: {', '.join(items)}"]
    return "\n".join(lines)


def _new(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.roles import add_role

    project = open_here()
    name, path, edited = add_role(project, a.name, purpose=a.purpose, extends=a.extends, to=read_delivery(a))
    lines = [f"added the role {name}: write its guidance into {path}", *describe_edit(edited, project)]
    return Answer(record("role", name=name, path=path, **delivery_record(edited)), "\n".join(lines))


COMMANDS = {
    "role": Command(
        "Show the specialists that tasks can name, what each is told, and when its work is done; or describe one of your own. "
        "Yours stand in tasks/roles/, and replace or extend built-in ones.",
        _configure, _role,
        ("baton role list", "baton role show tester", "baton role show debugger", 'baton role new data-engineer --extends database --purpose "Keeps the pipelines running."', "baton role new tester --extends tester"),
    ),
}  # fmt: skip
