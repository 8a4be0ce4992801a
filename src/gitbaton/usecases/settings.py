"""The settings of a repository: what holds here and where it comes from; changing ``tasks/config.yaml`` by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gitbaton.domain.config import Config
from gitbaton.domain.durations import render_duration
from gitbaton.errors import InvalidDocument, UsageError
from gitbaton.store.documents import edit_document, judge_document, parse_document, render_document
from gitbaton.store.git import read_objects
from gitbaton.store.layout import CONFIG_PATH
from gitbaton.store.schemas import shape_for
from gitbaton.store.snapshots import read_source
from gitbaton.store.yamledit import Edit, RemoveField, SetField
from gitbaton.store.yamlfile import parse_yaml
from gitbaton.usecases.assignments import find_field_schema, parse_value, split_field
from gitbaton.usecases.project import Project, refuse_inside
from gitbaton.usecases.writing import write_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitbaton.store.edits import Edited
    from gitbaton.usecases.delivery import Delivery

#: Settings of one clone, which git keeps, and what they mean there.
_OF_GIT = {
    "base": "baton.base", "remote": "baton.remote", "cache": "baton.cache", "pager": "baton.pager",
}  # fmt: skip
_GIT_DEFAULTS = {"cache": True}


class Setting(NamedTuple):
    """A setting that holds here. ``source`` is where it comes from; ``local``: base doesn't say so yet."""

    key: str
    value: Any
    source: Literal["file", "git", "found", "default"]
    local: bool = False


def list_settings(project: Project) -> list[Setting]:
    """All settings, by dotted key: those of this checkout's file, else git's, else found or by default. Raises
    ``InvalidDocument`` when the file can't be read.
    """
    mine, base = _read_values(project)
    settings = project.repo.settings
    found: dict[str, Setting] = {}
    for key, default in _iter_leaves(_list_defaults()):
        found[key] = Setting(key, default, "default")
    for key, value in _iter_leaves(mine):
        found[key] = Setting(key, value, "file", _look_up(base, key) != value)
    for key in [k for k in found if found[k].value == {} and any(n.startswith(f"{k}.") for n in found)]:
        del found[key]
    for key, name in _OF_GIT.items():
        if name in settings:
            found[key] = Setting(key, settings[name], "git")
        elif key in _GIT_DEFAULTS or key not in found:
            found[key] = Setting(key, _GIT_DEFAULTS.get(key), "default")
    for key, value in (("base", project.repo.base.branch), ("remote", project.repo.remote)):
        if found[key].source == "default":
            found[key] = Setting(key, value, "found")
    return list(found.values())


def get_setting(project: Project, key: str) -> Setting:
    """One setting, or all below a key as an object. Raises ``UsageError`` (``unknown-field``)."""
    name = ".".join(split_field(key))
    there = list_settings(project)
    for setting in there:
        if setting.key == name:
            return setting
    below = [s for s in there if s.key.startswith(f"{name}.")]
    if not below:
        _find_schema(tuple(name.split(".")))
        return Setting(name, None, "default")
    value: dict[str, Any] = {}
    for setting in below:
        *folders, last = setting.key.removeprefix(f"{name}.").split(".")
        here = value
        for folder in folders:
            here = here.setdefault(folder, {})
        here[last] = setting.value
    source = "file" if any(s.source == "file" for s in below) else "default"
    return Setting(name, value, source, any(s.local for s in below))  # type: ignore[arg-type] # one of both words


def change_setting(project: Project, key: str, value: str | None, *, to: Delivery) -> tuple[Edited, Any]:
    """Give a setting a value (None: take it out of the file) as one commit; the value as it was understood. Raises
    ``UsageError`` (``unknown-field``, ``bad-value``), and ``InvalidDocument`` for a file that was wrong before.
    """
    refuse_inside(project, "change settings")
    field = split_field(key)
    if key in _OF_GIT and key not in Config.model_fields:
        raise UsageError(
            f"{key} is a setting of this clone alone",
            code="bad-value",
            hint=f"git config {_OF_GIT[key]} {value or 'VALUE'}",
        )
    schema = _find_schema(field)
    meant = None if value is None else parse_value(value, schema, ".".join(field))
    edit: Edit = RemoveField(field) if value is None else SetField(field, meant)
    if to.where != "here":
        project = project.fetched()

    def change(old: bytes | None) -> bytes:
        if old is None:
            return _check(
                render_document(_nest(field, meant) if value is not None else {}, CONFIG_PATH, "config")
            )
        parse_document(old, CONFIG_PATH, Config, "config")  # what is wrong already is not the edit's fault
        return _check(edit_document(old, CONFIG_PATH, "config", [edit]))

    name = ".".join(field)
    message = f"Take {name} out of the settings" if value is None else f"Set {name} to {value}"
    return write_documents(project, {CONFIG_PATH: change}, message, to), meant


def _find_schema(field: tuple[str, ...]) -> dict[str, Any]:
    """The schema of a setting. Raises ``UsageError`` (``unknown-field``), which knows the last word of a key, too."""
    try:
        return find_field_schema(field, "config")
    except UsageError as error:
        near = [key for key, _ in _iter_leaves(_list_defaults()) if key.endswith(f".{field[-1]}")]
        if len(field) == 1 and near:
            error.hint = f"did you mean {' or '.join(near)}?"
        raise


def _check(text: bytes) -> bytes:
    """Raises ``UsageError`` (``bad-value``) when ``text`` is no valid settings file."""
    try:
        problems = judge_document(parse_yaml(text, CONFIG_PATH, shape_for("config")), "config")[1]
    except InvalidDocument as error:
        problems = list(error.problems)
    if problems:
        said = "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems)
        raise UsageError(said, code="bad-value", hint="nothing was changed; give a value that fits")
    return text


def _read_values(project: Project) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the settings files say: this checkout's (where it has none, base's), and base's."""
    repo = project.repo
    at_base = read_objects(repo.git, [f"{repo.base.commit}:{CONFIG_PATH}"])[0] if repo.base.commit else None
    mine = read_source(repo.top / CONFIG_PATH)
    try:
        base = _parse(at_base)
    except InvalidDocument:
        base = {}  # what holds on base are the defaults then
    return (_parse(mine.data) if mine else base), base


def _parse(data: bytes | None) -> dict[str, Any]:
    if data is None:
        return {}
    parse_document(data, CONFIG_PATH, Config, "config")
    return {
        k: v for k, v in parse_yaml(data, CONFIG_PATH, shape_for("config")).value.items() if k != "version"
    }


def _list_defaults() -> dict[str, Any]:
    defaults: dict[str, Any] = Config().model_dump(mode="json", exclude={"version"})
    return defaults


def _iter_leaves(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys with their values; an empty object is a value, too."""
    for name, item in value.items():
        if isinstance(item, dict) and item:
            yield from _iter_leaves(item, f"{above}{name}.")
        else:
            yield f"{above}{name}", item


def _look_up(value: Any, key: str) -> Any:
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _nest(field: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(field):
        value = {name: value}
    nested: dict[str, Any] = value
    return nested


def describe_value(setting: Setting) -> str:
    """A value for people; lengths of time in words."""
    value = setting.value
    if value is None:
        return ""
    if isinstance(value, float) and setting.source == "default" and _is_duration(setting.key):
        return render_duration(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        import json

        return json.dumps(value, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_duration(key: str) -> bool:
    schema = find_field_schema(tuple(key.split(".")), "config")
    return any("[smhd]" in str(option.get("pattern", "")) for option in schema.get("anyOf", ()))
