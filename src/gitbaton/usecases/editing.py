"""Editing a document as a whole, in a person's own editor: what they leave there is saved as any other edit is, and
never lost when it can't be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.ids import find_similar
from gitbaton.errors import BatonError, InvalidDocument, Problem, Refusal
from gitbaton.store.documents import edit_document, judge_document
from gitbaton.store.git import read_objects
from gitbaton.store.layout import CONFIG_PATH
from gitbaton.store.merge import merge_documents
from gitbaton.store.mergevalues import GONE, is_same
from gitbaton.store.schemas import shape_for
from gitbaton.store.snapshots import read_source
from gitbaton.store.yamledit import Edit, RemoveField, SetField
from gitbaton.store.yamlfile import VALUE, field_name, parse_yaml
from gitbaton.usecases.project import Project, View, find_row, refuse_inside
from gitbaton.usecases.tasks import refuse_cycle, refuse_parent_loop
from gitbaton.usecases.writing import Written, open_target, write_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.store.yamlfile import YamlFile
    from gitbaton.usecases.delivery import Delivery

#: What our lines in an edited text begin with.
MARK = b"#baton: "
_BOM = b"\xef\xbb\xbf"


class _Place(NamedTuple):
    """The document that is edited: its kind, its id (or what it is called), its file."""

    kind: str
    name: str
    path: str


class _Clash(Exception):
    """Somebody else changed the same meanwhile; ``text`` has both versions between markers, ``now`` is theirs."""

    def __init__(self, text: bytes, now: bytes, fields: Sequence[str]) -> None:
        super().__init__()
        self.text = text
        self.now = now
        self.fields = fields


def edit_task_text(
    project: Project, text: str, rewrite: Callable[[str, bytes], bytes], *, start: bytes | None, to: Delivery
) -> tuple[Written, bool]:
    """Let ``rewrite`` (name, text → text) change the file of the task that ``text`` names, as one commit; the answer
    says whether there was anything to save. ``start`` is what to begin with, instead of the file's own text.

    A text with problems goes to ``rewrite`` again, with them as comments at its top. Where somebody else changed the
    file meanwhile, both changes are merged; what clashes goes to ``rewrite`` between markers. A text that comes back
    as it went gives up: raises ``InvalidDocument``. Files that can't be read are edited as well as others.
    """
    refuse_inside(project, "edit task files")
    project, view, to = open_target(project, to)
    broken = next((b for b in view.board.broken if b.id == text), None)
    if broken and text not in view.board.entries:
        place = _Place("task", broken.id, broken.path)
    else:
        row = find_row(view, text)
        place = _Place("task", row.id, row.path)
    return _edit(project, view, place, rewrite, start, to)


def edit_config_text(
    project: Project, rewrite: Callable[[str, bytes], bytes], *, start: bytes | None, to: Delivery
) -> tuple[Written, bool]:
    """As ``edit_task_text``, for the settings."""
    refuse_inside(project, "edit settings")
    project, view, to = open_target(project, to)
    return _edit(project, view, _Place("config", "config", CONFIG_PATH), rewrite, start, to)


def _edit(
    project: Project,
    view: View,
    place: _Place,
    rewrite: Callable[[str, bytes], bytes],
    start: bytes | None,
    to: Delivery,
) -> tuple[Written, bool]:
    known = _read_known(project, place, to)
    shown, remarks = start if start is not None else known[0], list[str]()
    while True:
        new = strip_remarks(rewrite(place.name, _put_remarks(shown, remarks)))
        if not new.strip() or new == known[0]:
            return Written(place.name, place.path, None), False
        problems = _judge(view, place, known[0], new)
        if problems and remarks and new == shown:
            raise InvalidDocument(problems, message=f"{place.path} was not saved", hint="")
        if problems:
            shown, remarks = new, _describe(problems)
            continue
        try:
            return _save(project, place, known, new, to), True
        except _Clash as clash:
            known = [clash.now, *known[1:]]
            shown, remarks = clash.text, [_tell_clash(clash)]


# -- what comes from the editor, and what goes to it ---------------------------------------------------------------


def strip_remarks(text: bytes) -> bytes:
    """``text`` without our lines at its top."""
    mark = _BOM if text.startswith(_BOM) else b""
    lines = text.removeprefix(_BOM).splitlines(keepends=True)
    while lines and lines[0].startswith(MARK.rstrip()):
        lines.pop(0)
    return mark + b"".join(lines)


def _put_remarks(text: bytes, remarks: Sequence[str]) -> bytes:
    mark = _BOM if text.startswith(_BOM) else b""
    return mark + b"".join(MARK + r.encode() + b"\n" for r in remarks) + text.removeprefix(_BOM)


def _describe(problems: Sequence[Problem]) -> list[str]:
    """The problems, with lines as they are counted in the text that will be shown."""
    above = 2 + len(problems)
    return [
        "this can't be saved yet. Leave it as it is to give up; the text is kept then.",
        *(
            f"line {p.line + above}: {p.field + ': ' if p.field else ''}{' '.join(p.message.split())}"
            for p in problems
        ),
        "lines like these go by themselves.",
    ]


def _tell_clash(clash: _Clash) -> str:
    return (
        f"somebody changed {', '.join(clash.fields)} meanwhile. Both versions stand between markers: choose."
    )


# -- judging it ----------------------------------------------------------------------------------------------------


def _judge(view: View, place: _Place, old: bytes, new: bytes) -> list[Problem]:
    """What is wrong with ``new``: by itself, and in what it says about other tasks anew."""
    try:
        source = parse_yaml(new, place.path, shape_for(place.kind))
    except InvalidDocument as error:
        return list(error.problems)
    document, problems = judge_document(source, place.kind)
    if document is None or problems or place.kind != "task":
        return problems
    try:
        was = parse_yaml(old, place.path, shape_for(place.kind)).value
    except InvalidDocument:
        was = {}
    return _judge_links(view, place.name, was, source)


def _judge_links(view: View, task: str, was: dict[str, Any], source: YamlFile) -> list[Problem]:
    """What is wrong with the references that ``was`` did not have."""
    now = source.value
    problems: list[Problem] = []

    def complain(field: tuple[str | int, ...], code: str, said: str) -> None:
        problems.append(Problem(source.path, *source.position(field), field_name(field), code, said))

    def check_known(field: tuple[str | int, ...], name: str, known: Sequence[str], noun: str) -> None:
        if name not in known:
            near = find_similar(name, known, 1)
            complain(
                field,
                "unknown-id",
                f"there is no {noun} '{name}'" + (f"; did you mean {near[0]}?" if near else ""),
            )

    needs, parent, plan = now.get("depends_on") or [], now.get("parent"), now.get("plan")
    for index, need in enumerate(needs):
        if need not in (was.get("depends_on") or []):
            check_known(("depends_on", index), str(need), [*view.board.entries], "task")
    if parent and parent != was.get("parent"):
        check_known(("parent",), str(parent), [*view.board.entries], "task")
    if plan and plan != was.get("plan"):
        check_known(("plan",), str(plan), [*view.contents.plans], "plan")
    if problems:
        return problems
    try:
        if parent and parent != was.get("parent"):
            refuse_parent_loop(view, task, parent)
        if needs != was.get("depends_on"):
            refuse_cycle(view, task, needs, parent=parent)
    except BatonError as error:
        field = ("parent",) if error.code == "parent-loop" else ("depends_on",)
        complain(field, error.code, error.message)
    return problems


# -- saving it -----------------------------------------------------------------------------------------------------


def _read_known(project: Project, place: _Place, to: Delivery) -> list[bytes]:
    """The text to edit first, then the other texts that the file had when it was opened. Raises ``Refusal``
    (``not-here``).
    """
    repo = project.repo
    names = (
        [f"HEAD:{place.path}", f":{place.path}"]
        if to.where == "here"
        else [f"{repo.base.commit}:{place.path}"]
    )
    kept = [text for text in read_objects(repo.git, names) if text is not None]
    if to.where != "here":
        known = kept
    else:
        mine = read_source(repo.top / place.path)
        known = [] if mine is None else [mine.data, *kept]
    if not known:
        where = "this checkout" if to.where == "here" else repo.base.branch
        raise Refusal(
            f"{place.path} is not in {where}",
            code="not-here",
            hint="baton init" if place.kind == "config" else f"edit it on {repo.base.branch}: --base",
        )
    return known


def _save(project: Project, place: _Place, known: Sequence[bytes], new: bytes, to: Delivery) -> Written:
    """Raises ``_Clash``, and what ``write_documents`` raises."""
    opened = known[0]

    def change(old: bytes | None) -> bytes:
        if old is None:
            raise Refusal(f"{place.path} is gone meanwhile", code="not-here", hint="baton list")
        if old == opened:
            return new
        try:
            merged = merge_documents(opened, old, new, place.path)
        except InvalidDocument:
            if old in known:
                return new  # it is what could not be read that was mended
            raise
        if not merged.conflicts:
            return merged.text
        if old in known:  # it was different before, too: the person's new values are meant
            return edit_document(old, place.path, place.kind, _list_changes(place, opened, new))
        raise _Clash(merged.text, old, merged.conflicts)

    fields = _name_changes(place, opened, new)
    message = f"Edit {place.name if place.kind == 'task' else place.path}{': ' + fields if fields else ''}"
    return Written(place.name, place.path, write_documents(project, {place.path: change}, message, to))


def _list_changes(place: _Place, old: bytes, new: bytes) -> list[Edit]:
    was, now = (parse_yaml(text, place.path, shape_for(place.kind)).value for text in (old, new))
    edits: list[Edit] = [SetField((n,), v) for n, v in now.items() if not is_same(v, was.get(n, GONE))]
    return [*edits, *(RemoveField((n,)) for n in was if n not in now)]


def _name_changes(place: _Place, old: bytes, new: bytes) -> str:
    """The fields that differ, for the commit's message."""
    try:
        was, now = (parse_yaml(text, place.path, VALUE).value for text in (old, new))
    except InvalidDocument:
        return ""
    names = [n for n in {**was, **now} if not is_same(was.get(n, GONE), now.get(n, GONE))]
    return ", ".join(names)
