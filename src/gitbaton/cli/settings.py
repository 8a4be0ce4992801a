"""Commands on settings: config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.delivery import add_delivery, delivery_record, describe_delivery, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.errors import UsageError
from gitbaton.report.records import record
from gitbaton.report.terminal import Style, align

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.settings import Setting

_ACTIONS = ("show", "get", "set", "unset", "edit")
#: What an action takes after its name.
_TAKES = {"show": 0, "get": 1, "set": 2, "unset": 1, "edit": 0}
_SOURCES = {"file": "tasks/config.yaml", "git": "git config", "found": "as it is here", "default": "default"}


def _configure(p: argparse.ArgumentParser) -> None:
    from gitbaton.cli.editing import add_start

    p.add_argument("action", choices=_ACTIONS, nargs="?", default="show", help="what to do (default: show)")
    p.add_argument("key", nargs="?", metavar="KEY", help="which setting, like caps.running")
    p.add_argument(
        "value",
        nargs="?",
        metavar="VALUE",
        help="its new value; a list by commas; lists and mappings also as they would stand in the file, on one line",
    )
    add_start(p)
    add_delivery(p)


def _config(a: argparse.Namespace) -> Answer:
    given = sum(word is not None for word in (a.key, a.value))
    if given != _TAKES[a.action]:
        words = " ".join(("KEY", "VALUE")[: _TAKES[a.action]])
        raise UsageError(
            f"write: baton config {a.action} {words}".rstrip(), code="usage", hint="baton config --help"
        )
    match a.action:
        case "show":
            return _show()
        case "get":
            return _get(a.key)
        case "edit":
            return _edit(a)
        case _:
            return _change(a)


def _show() -> Answer:
    from gitbaton.usecases.settings import describe_value, list_settings

    found = list_settings(open_here())
    said = [s for s in found if s.value not in (None, [], {})]
    style = Style()
    rows = [[s.key, describe_value(s), _tell_source(s)] for s in said]
    colors = [[None, None, "dim" if s.source == "default" else "green"] for s in said]
    unset = [s.key for s in found if s not in said]
    text = align(rows, style, colors) + f"\nnot set: {', '.join(unset)}"
    return Answer(record("config", settings=[_record(s) for s in found]), text)


def _get(key: str) -> Answer:
    from gitbaton.usecases.settings import describe_value, get_setting

    setting = get_setting(open_here(), key)
    return Answer(record("config", **_record(setting)), describe_value(setting))


def _tell_source(setting: Setting) -> str:
    return _SOURCES[setting.source] + (", not on base yet" if setting.local else "")


def _record(setting: Setting) -> dict[str, object]:
    return {"key": setting.key, "value": setting.value, "source": setting.source, "local": setting.local}


def _change(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.settings import change_setting

    edited, meant = change_setting(open_here(), a.key, a.value, to=read_delivery(a))
    if edited.commit is None and not edited.uncommitted:
        lines = [f"{a.key} is so already; nothing to commit"]
    else:
        lines = [f"{a.key} is {a.value} now" if a.action == "set" else f"{a.key} is not set any more"]
        lines += describe_delivery(edited)
    return Answer(record("config", key=a.key, value=meant, **delivery_record(edited)), "\n".join(lines))


def _edit(a: argparse.Namespace) -> Answer:
    from gitbaton.cli.editing import Editor, answer_edit, read_start
    from gitbaton.usecases.editing import edit_config_text

    project = open_here()
    with Editor("baton config edit") as rewrite:
        written, changed = edit_config_text(project, rewrite, start=read_start(a), to=read_delivery(a))
    return answer_edit("config", written, changed=changed)


COMMANDS = {
    "config": Command(
        "Show and change the settings in tasks/config.yaml: all with where each comes from, one, or change one as one "
        "commit. `edit` opens the file in your editor.",
        _configure, _config, ("baton config", "baton config get caps.running", "baton config set timeouts.attempt 45m", "baton config set checks '[{name: tests, run: pytest -q}]'", "baton config unset caps.running"),
    ),
}  # fmt: skip
