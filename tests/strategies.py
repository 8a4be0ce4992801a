"""What property tests draw from: documents, the many ways in which people write them down, edits, and what
happens to the tasks of a repository.

Import what is drawn from here; how a person types YAML is in ``support.handwriting``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from gitbaton.domain.board import BrokenRow, LiveRow, TaskRow, fold_board
from gitbaton.domain.gates import Gates
from gitbaton.domain.lifecycle import ALL
from gitbaton.domain.outcome import Outcome
from gitbaton.store.yamledit import AddItem, Edit, RemoveField, RemoveItem, SetField
from support.claim_stage import PEOPLE, TASKS, Trouble
from support.handwriting import Hand, HandWritten

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.board import Board

#: The order in which the fields of the drawn documents are wanted.
FIELD_ORDER = (
    "version", "title", "description", "status", "priority", "plan", "hold", "depends_on", "labels", "paths",
    "limits", "steps", "notes",
)  # fmt: skip
LIST_FIELDS = ("depends_on", "labels", "paths")

#: Everything that text may hold in a document; no NUL, no halves of surrogate pairs.
any_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
#: Text that tempts readers of YAML: what some take for numbers, dates, booleans, null or syntax.
tempting_text = st.sampled_from(
    [
        "", " ", "~", "null", "Null", "true", "True", "no", "NO", "yes", "on", "off", "y", "N", "=", "<<",
        "012", "0o17", "0x1F", "0b11", "1_000", "1:30", "190:20:30", "1e3", "1E3", ".5", "5.", "+1", "-1",
        "1.10", "-.inf", ".nan", ".NaN", "2001-01-01", "2001-1-1 10:00:00", "2001-12-14t21:59:43.10-05:00",
        "-", "- a", "-a", "--flag", "?", "? a", ":", ": a", "a: b", "a:b", "a:", "a #b", "a#b", "#a", "&a",
        "*a", "!a", "|", ">", "%a", "@a", "`a`", "'", '"', "it's", 'say "hi"', "[a]", "{a: b}", "a, b", "a]",
        "---", "...", "--- a", "\\", "C:\\new", "\t", "a\tb", "a\n", "\na", "a\n\n", " a\n", "a\n b\n", "\n",
        "\n\n", "a\r\nb", "a\rb", "  a\n b", "# a\nb", "a \nb ", "a\n  ", "a\n\t", "\ta\n", "\x85",
        "a\x85b", "a\u2028b", "\u2029", "\ufeffa", "\x1b[0m", "\x7f", "\xa0a", "é",
        "日本", "😀 a", "\ufffe", "<<<<<<< a", "=======", "https://a.b/c?d=e#f", "src/**/*.py", "*.md",
        "key: [", "x" * 120, "word " * 30 + "end",
    ]
)  # fmt: skip
text = st.one_of(tempting_text, any_text)
numbers = st.one_of(st.integers(-(10**20), 10**20), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(st.none(), st.booleans(), numbers, text)
#: Values as JSON has them.
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(text, inner, max_size=3)),
    max_leaves=8,
)
mappings = st.dictionaries(text, values, max_size=5)

_WORDS = (
    "add",
    "login",
    "the",
    "endpoint",
    "it's",
    "café",
    "日本",
    "😀",
    "a/b",
    "v1.10",
    "no",
    "012",
    "x-y",
    "(c)",
)
_lines = st.lists(st.sampled_from(_WORDS), min_size=1, max_size=5).map(" ".join)
_paragraphs = st.lists(
    st.one_of(_lines, st.sampled_from(["", "  indented", "# heading", "=======", "- item", "key: value"])),
    min_size=1,
    max_size=4,
).map("\n".join)
plain_text = st.one_of(
    _lines, st.sampled_from(["no", "012", "1_000", "2001-01-01", "Yes", "0x1F", "<<", "="])
)
field_text = st.one_of(
    plain_text,
    tempting_text,
    _paragraphs,
    _paragraphs.map(lambda value: value + "\n"),
    _paragraphs.map(lambda value: value + "\n\n"),
)
_ids = st.sampled_from(["add-login", "fix-it", "a", "b", "c", "café", "no", "1.5", "x y", "k: v", "#1"])


@st.composite
def documents(draw: Callable[[st.SearchStrategy[Any]], Any]) -> dict[str, Any]:
    """The values of task-like documents, their fields in any order."""
    value: dict[str, Any] = {"title": draw(field_text)}
    for name in draw(st.lists(st.sampled_from(FIELD_ORDER[2:]), unique=True, max_size=6)):
        if name in LIST_FIELDS:
            value[name] = draw(st.lists(_ids, unique=True, max_size=4))
        elif name == "limits":
            value[name] = draw(
                st.dictionaries(_ids, st.one_of(scalars, st.lists(_ids, max_size=2)), max_size=3)
            )
        elif name == "steps":
            step = st.fixed_dictionaries(
                {"name": plain_text}, optional={"run": field_text, "needs": st.lists(_ids)}
            )
            value[name] = draw(st.lists(st.one_of(step, st.lists(_ids, max_size=2), plain_text), max_size=3))
        else:
            value[name] = draw(st.one_of(field_text, st.none(), st.integers(-9, 99), st.booleans()))
    names = draw(st.permutations(list(value)))
    return {name: value[name] for name in names}


@st.composite
def hand_written(
    draw: Callable[[st.SearchStrategy[Any]], Any], document: st.SearchStrategy[dict[str, Any]] | None = None
) -> HandWritten:
    """A document in some layout."""
    value = draw(documents() if document is None else document)
    return Hand(draw).write(value)


@st.composite
def edits(draw: Callable[[st.SearchStrategy[Any]], Any], value: dict[str, Any]) -> Edit:
    """An edit that makes sense for a document: of a field it has, or of one that it lacks."""
    present = list(value)
    name = draw(st.sampled_from([*present, *FIELD_ORDER]))
    kinds = ["set", "set", "set value", "remove", "add item", "remove item", "nested", "nested"]
    kind = draw(st.sampled_from(kinds))
    if kind == "remove":
        return RemoveField((name,))
    if kind == "add item":
        return AddItem((draw(st.sampled_from(LIST_FIELDS)),), draw(st.one_of(_ids, field_text)))
    if kind == "remove item":
        name = draw(st.sampled_from(LIST_FIELDS))
        return RemoveItem((name,), draw(st.sampled_from([*_items(value.get(name)), "nobody"])))
    limits, steps = value.get("limits"), value.get("steps")
    inside: list[tuple[str | int, ...]] = [("limits", "extra")]
    inside += [("limits", name) for name in limits] if isinstance(limits, dict) else []
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        inside += [("steps", index)] * 2
        inside += [("steps", index, part) for part in (*step, "run")] if isinstance(step, dict) else []
    if kind == "nested":
        where = draw(st.sampled_from(inside))
        new = draw(st.one_of(field_text, values))
        return RemoveField(where) if draw(st.integers(0, 2)) == 0 else SetField(where, new)
    if kind == "set value":
        return SetField((name,), draw(documents().map(lambda other: next(iter(other.values())))))
    return SetField((name,), draw(field_text))


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


_DAMAGE = (
    "\t", " ", "  ", "\n", "\r", "\r\n", "#", " #", ": ", ":", "-", "- ", "? ", "|", ">", "'", '"', "[", "]",
    "{", "}", ",", "&a ", "*a ", "!!str ", "! ", "%", "@", "\x00", "\x7f", "\x85", "\u2028", "\ufeff",
    "---\n", "...\n", "<<: ", "~", "1e999", "\\", "\\x", "=======\n", "<<<<<<< a\n", "|2", "|+", "😀", "é",
)  # fmt: skip
_damage = st.one_of(
    st.sampled_from(_DAMAGE).map(str.encode), st.sampled_from([b"\xff", b"\xc3", b"\xf0\x9f"])
)


@st.composite
def garbled(draw: Callable[[st.SearchStrategy[Any]], Any]) -> bytes:
    """A hand-written file after some accidents: bytes put in, lost, repeated."""
    data: bytes = draw(hand_written()).data
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 20)))
        put_in = draw(st.one_of(_damage, _damage, st.just(b""), st.just(data[begin:end] * 2)))
        data = data[:begin] + put_in + data[end:]
    return data


# -- what happens to tasks -------------------------------------------------------------------------------------

people = st.integers(0, PEOPLE - 1)
tasks = st.sampled_from(TASKS)
maybe_task = st.one_of(st.none(), st.none(), tasks)
mostly = st.sampled_from([True, True, True, False])
#: Recent claims, as often as older ones.
runs = st.one_of(st.integers(-2, -1), st.integers(-4, 8))
ends = st.sampled_from([
    Outcome.SUCCEEDED, Outcome.SUCCEEDED, Outcome.SUCCEEDED, Outcome.CHECKS_FAILED, Outcome.NEEDS_INPUT, Outcome.STOPPED, Outcome.CRASHED,
])  # fmt: skip
breakdowns = st.sampled_from([Outcome.CRASHED, Outcome.TAKEN_OVER])
#: A little, around the lease with its tolerance, and far too much, both ways.
jumps = st.sampled_from([1, 30, 61, 99, 119, 221, 221, 1000, 86400, -30, -119, -3600])
edits_of_files = st.sampled_from(
    ["done", "todo", "todo", "todo", "draft", "cancelled", "held", "deleted", "moved"]
)


def _operation(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(name), *arguments)


#: One operation of ``ClaimStage`` each, by name.
operations: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "claim": _operation("claim", people, maybe_task),
    "claim_as_person": _operation("claim_as_person", people, maybe_task),
    "end": _operation("end", runs, ends),
    "withdraw": _operation("withdraw", runs),
    "break_down": _operation("break_down", runs, breakdowns),
    **{name: _operation(name, people, tasks) for name in (
        "stop", "retry", "reject", "accept", "answer", "hold", "release", "close", "delete_branch", "force_branch",
    )},
    **{name: _operation(name, people) for name in ("sync", "look", "forget_seen", "revert", "rewrite_base")},
    "turn_clock": _operation("turn_clock", people, jumps),
    "edit_base": _operation("edit_base", people, tasks, edits_of_files),
    "merge_by_hand": _operation("merge_by_hand", people, tasks, st.sampled_from(["merge", "squash"])),
}  # fmt: skip
#: What carries a story on comes up more often.
_OFTEN = {
    "claim": 12,
    "end": 12,
    "accept": 4,
    "retry": 4,
    "turn_clock": 4,
    "merge_by_hand": 2,
    "revert": 2,
    "answer": 3,
    "reject": 3,
}
any_operation = st.sampled_from([name for name in operations for _ in range(_OFTEN.get(name, 1))]).flatmap(
    operations.__getitem__
)
_calls = st.integers(1, 5)
#: What befalls an operation; mostly nothing.
troubles = st.one_of(
    st.none(),
    st.none(),
    st.none(),
    st.builds(
        Trouble, _calls, st.sampled_from(["dies", "dies after", "refused", "answer lost"]), st.just(())
    ),
    st.builds(Trouble, _calls, st.just("meanwhile"), any_operation),
)

# -- boards ----------------------------------------------------------------------------------------------------

_BOARD_IDS = ("a", "b", "c", "d", "e")
#: What may be unusual about a task file, and about a live state: mostly one thing at a time, so that it decides.
_ODD_FILES: list[dict[str, Any]] = [
    {}, {}, {"status": "done"}, {"status": "cancelled"}, {"status": "draft"}, {"plan": "merged"}, {"plan": "unmerged"},
    {"paths": ("src/**",)}, {"paths": ("src/a.py",)}, {"paths": ("docs",)}, {"hold": "later"}, {"local": "uncommitted"},
    {"attempts_max": 1}, {"depends_on": ("gone",)}, {"complexity": "critical"}, {"complexity": "complex"},
    {"complexity": "critical", "approval": "given"}, {"complexity": "critical", "approval": "outdated"},
]  # fmt: skip
_ODD_STATES: list[dict[str, Any]] = [
    {}, {}, {"lease": 50.0}, {"lease": 150.0}, {"retry_at": 50.0},
    {"status": "failed", "retry_at": 150.0}, {"hold": "wait"}, {"attempt_limit": 0},
    {"attempt_limit": 9}, {"merge": "m1"}, {"merge": "m2"}, {"attempt": 4},
]  # fmt: skip


@st.composite
def boards(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Board:
    """Boards of a few tasks at the time 100, in every state, with plans, holds, paths and parts."""
    rows = []
    for number, task in enumerate(_BOARD_IDS):
        fields: dict[str, Any] = {}
        for odd in draw(st.lists(st.sampled_from(_ODD_FILES), max_size=2)):
            fields |= odd
        if number and draw(st.integers(0, 3)) == 0:
            fields["depends_on"] = (draw(st.sampled_from(_BOARD_IDS[:number])),)
        if number and draw(st.integers(0, 4)) == 0:
            fields["parent"] = draw(st.sampled_from(_BOARD_IDS[:number]))
        rows.append(TaskRow(task, f"tasks/{task}.yaml", task, **fields))
    tips = {}
    for task in draw(st.lists(st.sampled_from(_BOARD_IDS), unique=True, max_size=3)):
        status = draw(st.one_of(st.sampled_from(["open", "failed", "in_progress"]), st.sampled_from(ALL)))
        state: dict[str, Any] = {"status": status, "attempt": 1}
        for odd in draw(st.lists(st.sampled_from(_ODD_STATES), max_size=2)):
            state |= odd
        tips[task] = LiveRow(task, oid=f"oid of {task}", **state)
    broken = [BrokenRow("x", "tasks/x.yaml", (), parents=draw(st.sampled_from([(), (), ("a",)])))]
    return fold_board(
        rows,
        broken,
        tips,
        now=100.0,
        attempts_max=3,
        merges_seen=["m1"],
        plans=["merged"],
        gates=Gates(breakdown=("complex",)),
    )


_leaves = st.sampled_from(
    [
        None,
        True,
        1,
        2,
        0.5,
        "",
        "a",
        "b c",
        "one\ntwo\n",
        "one\n2\nthree\n",
        "x" * 80,
        ["a"],
        ["b", "a"],
        ["a", "b"],
    ]
)
_steps = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("pqr")}, optional={"run": _leaves}), max_size=2
)
#: Values of small documents that often share fields.
small_documents = st.dictionaries(
    st.sampled_from(["title", "status", "labels", "acceptance", "steps", "hold"]), st.one_of(_leaves, _steps), max_size=5
)  # fmt: skip
#: As those, with an object in them.
nested_documents = st.tuples(
    small_documents, st.dictionaries(st.sampled_from(["timeout", "checks", "model"]), st.one_of(_leaves, _steps), max_size=3)
).map(lambda pair: {**pair[0], "run": {"agent": "bot", **pair[1]}})  # fmt: skip
