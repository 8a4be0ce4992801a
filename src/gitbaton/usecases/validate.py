"""Checking every document of the working tree: each by itself, and what they say about one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.config import Config
from gitbaton.domain.handoff import Handoff
from gitbaton.domain.milestone import list_bad_dates
from gitbaton.domain.plan import Plan
from gitbaton.domain.recipe import check_workflow, list_unused
from gitbaton.domain.role import Role
from gitbaton.domain.rules import (
    Finding,
    PlanRow,
    check_graph,
    check_handoff,
    check_links,
    check_names,
    check_roles,
    check_unique,
    iter_references,
    list_unknown,
)
from gitbaton.domain.task import Task
from gitbaton.domain.workflow import Workflow
from gitbaton.errors import InvalidDocument, Problem
from gitbaton.store.documents import find_schema_mistake, judge_document, row_of
from gitbaton.store.layout import classify
from gitbaton.store.library import read_builtin, read_shelf
from gitbaton.store.roles import list_role_names
from gitbaton.store.schemas import shape_for
from gitbaton.store.snapshots import list_linked_folders, read_worktree
from gitbaton.store.yamlfile import YamlFile, field_name, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from gitbaton.domain.document import Document
    from gitbaton.store.layout import Place
    from gitbaton.store.snapshots import SourceFile
    from gitbaton.usecases.project import Project


class _Read(NamedTuple):
    """A file of the working tree. ``source`` is None if it is no readable YAML, ``document`` if it is not
    valid; ``problems`` are its own.
    """

    path: str
    place: Place
    source: YamlFile | None
    document: Document | None
    problems: list[Problem]


class Judged(NamedTuple):
    """Problems, which must be mended, and notes: what is allowed, but perhaps not meant."""

    problems: list[Problem]
    notes: list[Problem]


def validate_repository(project: Project, paths: Collection[str] | None = None) -> list[Problem]:
    """The problems that ``judge_repository`` finds."""
    return judge_repository(project, paths).problems


def judge_repository(project: Project, paths: Collection[str] | None = None) -> Judged:
    """Every problem of the documents under ``tasks/`` as they are in the working tree, untracked files
    included, ordered by path, line and column. With ``paths``, only problems in these files; the others are
    still read, because rules look across files.
    """
    files = read_worktree(project.repo, handoffs=paths is None or any(_is_handoff(p) for p in paths))
    read = [_read(path, place, file) for path, file in files.items() if (place := classify(path))]
    sources = {one.path: one.source for one in read}
    roles = list_role_names(read_shelf(project.repo, "roles"))
    problems = [problem for one in read for problem in one.problems]
    said = "a link to a folder is not followed, so what is in it is no task; make it a plain folder"
    problems += [Problem(path, 1, 1, "", "not-a-folder", said) for path in list_linked_folders(project.repo)]
    problems += [_place(sources, finding) for finding in dict.fromkeys(_judge_together(read, roles))]
    told = {(problem.path, problem.field) for problem in problems}
    notes = [_place(sources, finding) for finding in dict.fromkeys(_list_notes(read, roles))]
    return Judged(
        sorted(p for p in problems if paths is None or p.path in paths),
        sorted(n for n in notes if (n.path, n.field) not in told and (paths is None or n.path in paths)),
    )


def _place(sources: Mapping[str, YamlFile | None], finding: Finding) -> Problem:
    source = sources[finding.path]
    line, column = source.position(finding.field) if source else (1, 1)
    return Problem(finding.path, line, column, field_name(finding.field), finding.code, finding.message)


def _is_handoff(path: str) -> bool:
    place = classify(path)
    return place is not None and place.kind == "handoff"


def _read(path: str, place: Place, file: SourceFile) -> _Read:
    named = [Problem(path, 1, 1, "", "bad-file-name", place.complaint)] if place.complaint else []
    if file.complaint:
        return _Read(path, place, None, None, [*named, Problem(path, 1, 1, "", *file.complaint)])
    try:
        source = parse_yaml(file.data, path, shape_for(place.kind))
    except InvalidDocument as error:
        return _Read(path, place, None, None, [*named, *error.problems])
    document, problems = judge_document(source, place.kind)
    return _Read(path, place, source, document, [*named, *problems])


def _judge_together(read: Collection[_Read], roles: Mapping[str, str]) -> Iterator[Finding]:
    """What no file shows by itself. ``roles``: every name of a role → that of its file."""
    tasks = {one.place.id for one in read if one.place.kind == "task"}
    plans = {one.place.id for one in read if one.place.kind == "plan"}
    valid = [(one, one.document) for one in read if one.document is not None]
    rows = [row_of(document, one.path, one.place.id) for one, document in valid if isinstance(document, Task)]
    lists = [
        PlanRow(one.place.id, one.path, document.tasks)
        for one, document in valid
        if isinstance(document, Plan)
    ]
    config = next((document for _, document in valid if isinstance(document, Config)), None)
    yield from check_unique(_iter_named(read))
    yield from check_links(rows, lists, tasks, plans)
    yield from check_graph(rows)
    if config or not any(one.place.kind == "config" for one in read):  # a broken config knows no names
        references = [found for one, document in valid for found in iter_references(one.path, document)]
        yield from check_names(references, config or Config(), roles)
    own = {one.place.id: (one.path, document) for one, document in valid if isinstance(document, Role)}
    yield from check_roles(own, roles, read_builtin("roles"))
    for one, document in valid:
        if isinstance(document, Workflow):
            yield from check_workflow(one.path, document)
        elif isinstance(document, Handoff):
            yield from check_handoff(one.path, document)
        elif isinstance(document, Task) and document.result_schema is not None:
            mistake = find_schema_mistake(document.result_schema)
            if mistake:
                yield Finding(one.path, ("result_schema", *mistake[0]), "bad-schema", mistake[1])


def _list_notes(read: Collection[_Read], roles: Mapping[str, str]) -> Iterator[Finding]:
    """What is allowed, but perhaps not meant."""
    valid = [(one.path, one.document) for one in read if one.document is not None]
    config = next((document for _, document in valid if isinstance(document, Config)), Config())
    references = (found for path, document in valid for found in iter_references(path, document))
    yield from list_unknown(references, config, roles)
    for path, document in valid:
        if isinstance(document, Workflow):
            yield from list_unused(path, document)
        elif isinstance(document, Config):
            yield from list_bad_dates(path, document)


def _iter_named(read: Iterable[_Read]) -> Iterator[tuple[str, str, str]]:
    """(noun, id, path) of the documents that are known by their file name."""
    for one in read:
        if one.place.kind in ("task", "plan", "role", "workflow"):
            yield one.place.kind, one.place.id, one.path
