"""Edits in files as people write them: the text before, the edit, the whole text after"""

from __future__ import annotations

from typing import Any

import pytest

from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.yamledit import AddItem, Edit, RemoveField, RemoveItem, SetField, apply_edit, edit_yaml
from gitbaton.store.yamlfile import TEXT, Shape

pytestmark = pytest.mark.promise("edit.smallest-change")

ORDER = ("version", "title", "description", "status", "priority", "hold", "depends_on", "labels")

TASK = """\
# yaml-language-server: $schema=schemas/task.json
title: Add a login endpoint   # short
# why we need it
description: |  # markdown
  Users can't log in.

  - soon

status: 'todo' # of four

depends_on: [a,  b]
labels:
  - x   # first
  # - y
  - "z"

# the end
"""


def edit(text: str, *edits: Edit, **options: Any) -> str:
    return edit_yaml(text.encode(), "f.yaml", edits, order=ORDER, **options).decode()


def changed(text: str, *edits: Edit, **options: Any) -> list[str]:
    """The lines that went (``-``) and came (``+``) between the common beginning and end."""
    old, new = text.splitlines(), edit(text, *edits, **options).splitlines()
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return [f"-{line}" for line in old] + [f"+{line}" for line in new]


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        ([SetField(("status",), "done")], ["-status: 'todo' # of four", "+status: 'done' # of four"]),
        (
            [SetField(("status",), 'it\'s "x"')],
            ["-status: 'todo' # of four", "+status: 'it''s \"x\"' # of four"],
        ),
        ([SetField(("status",), "a\tb")], ["-status: 'todo' # of four", '+status: "a\\tb" # of four']),
        ([SetField(("status",), 7)], ["-status: 'todo' # of four", "+status: 7 # of four"]),
        ([SetField(("status",), "todo")], []),
        (
            [SetField(("title",), "1.10")],
            ["-title: Add a login endpoint   # short", '+title: "1.10"   # short'],
        ),
        (
            [SetField(("title",), "a\nb\n")],
            ["-title: Add a login endpoint   # short", "+title: |   # short", "+  a", "+  b"],
        ),
        (
            [SetField(("description",), "Users can log in.\n")],
            ["-  Users can't log in.", "-", "-  - soon", "+  Users can log in."],
        ),
        (
            [SetField(("description",), "brief")],
            [
                "-description: |  # markdown", "-  Users can't log in.", "-", "-  - soon",
                "+description: |-  # markdown", "+  brief",
            ],
        ),
        (
            [SetField(("description",), None)],
            [
                "-description: |  # markdown", "-  Users can't log in.", "-", "-  - soon",
                "+description: null  # markdown",
            ],
        ),
        (
            [SetField(("labels",), "one")],
            ["-labels:", "-  - x   # first", "-  # - y", '-  - "z"', "+labels: one"],
        ),
        (
            [SetField(("depends_on",), {"a": 1, "b": [2]})],
            ["-depends_on: [a,  b]", "+depends_on:", "+  a: 1", "+  b:", "+    - 2"],
        ),
        # A list is changed item by item, so that comments stay where they are.
        ([SetField(("labels",), ["x", "w", "z"])], ['+  - "w"']),
        ([SetField(("labels",), ["z"])], ["-  - x   # first"]),
        ([SetField(("labels",), ["v", "z"])], ["-  - x   # first", "+  - v   # first"]),
        ([SetField(("labels", 1), "y")], ['-  - "z"', '+  - "y"']),
        ([RemoveField(("labels", 0))], ["-  - x   # first"]),
        ([AddItem(("labels",), "w")], ['+  - "w"']),
        ([AddItem(("labels",), "x")], []),
        ([RemoveItem(("labels",), "z")], ['-  - "z"']),
        ([RemoveItem(("labels",), "w")], []),
        ([AddItem(("depends_on",), "c")], ["-depends_on: [a,  b]", "+depends_on: [a,  b,  c]"]),
        ([AddItem(("depends_on",), "c, d")], ["-depends_on: [a,  b]", '+depends_on: [a,  b,  "c, d"]']),
        ([RemoveItem(("depends_on",), "a")], ["-depends_on: [a,  b]", "+depends_on: [b]"]),
        ([RemoveItem(("depends_on",), "b")], ["-depends_on: [a,  b]", "+depends_on: [a]"]),
        # The last item takes its field along.
        (
            [RemoveItem(("depends_on",), "a"), RemoveItem(("depends_on",), "b")],
            ["-depends_on: [a,  b]"],
        ),
        ([RemoveField(("status",))], ["-status: 'todo' # of four"]),
        ([RemoveField(("missing",))], []),
        ([RemoveField(("missing", "too", 3))], []),
        ([RemoveItem(("missing",), "x")], []),
        # A field comes after its nearest predecessor; status goes on standing between blank lines.
        ([SetField(("hold",), "waits: a lot")], ['+hold: "waits: a lot"']),
        ([SetField(("unknown",), "x")], ["+unknown: x"]),
        ([SetField(("a", "b", "c"), 1)], ["+a:", "+  b:", "+    c: 1"]),
        ([AddItem(("new",), "x")], ["+new:", "+  - x"]),
        ([SetField(("new",), [])], ["+new: []"]),
        ([SetField(("new",), {})], ["+new: {}"]),
    ],
)  # fmt: skip
def test_only_the_edited_lines_change(edits: list[Edit], lines: list[str]) -> None:
    assert changed(TASK, *edits) == lines
    windows = TASK.replace("\n", "\r\n")
    assert edit(windows, *edits) == edit(TASK, *edits).replace("\n", "\r\n")
    assert edit("\ufeff" + TASK, *edits) == "\ufeff" + edit(TASK, *edits)


@pytest.mark.promise("edit.place-of-new-fields")
@pytest.mark.parametrize(
    ("before", "edits", "after"),
    [
        # Where a missing field goes.
        ("title: a\nlabels: [b]\n", [SetField(("status",), "x")], "title: a\nstatus: x\nlabels: [b]\n"),
        ("labels: [b]\nzoo: 1\n", [SetField(("title",), "x")], "title: x\nlabels: [b]\nzoo: 1\n"),
        (
            "zoo: 1\n# b\nlabels: [b]\n",
            [SetField(("title",), "x")],
            "zoo: 1\ntitle: x\n# b\nlabels: [b]\n",
        ),
        ("zoo: 1\n", [SetField(("title",), "x")], "zoo: 1\ntitle: x\n"),
        ("title: a\n\n# end\n", [SetField(("status",), "x")], "title: a\nstatus: x\n\n# end\n"),
        ("# head\nlabels: [b]\n", [SetField(("title",), "x")], "# head\ntitle: x\nlabels: [b]\n"),
        (
            "# head\n\n# b\nlabels: [b]\n",
            [SetField(("title",), "x")],
            "# head\n\ntitle: x\n# b\nlabels: [b]\n",
        ),
        ("---\na: 1\n...\n", [SetField(("b",), 2)], "---\na: 1\nb: 2\n...\n"),
        (
            "title: a\n# about labels\nlabels: [b]\n",
            [SetField(("status",), "x")],
            "title: a\nstatus: x\n# about labels\nlabels: [b]\n",
        ),
        (
            "depends_on:\n  - a\n  # - b\n\n  # - c\n\n# about labels\nlabels: []\n",
            [AddItem(("depends_on",), "d"), SetField(("hold",), "x")],
            "hold: x\ndepends_on:\n  - a\n  - d\n  # - b\n\n  # - c\n\n# about labels\nlabels: []\n",
        ),
        # No line break at the end of the file, before and after.
        ("title: a", [SetField(("status",), "x")], "title: a\nstatus: x"),
        ("title: a\r\nstatus: b", [RemoveField(("status",))], "title: a"),
        ("title: a\r\nb: |\r\n  x", [SetField(("c",), "d")], "title: a\r\nc: d\r\nb: |\r\n  x"),
        ("a: 1", [SetField(("a",), "x\ny\n")], "a: |\n  x\n  y\n"),
        ("a: 1", [SetField(("a",), "x\ny")], "a: |-\n  x\n  y"),
        ("a:\n- b", [RemoveItem(("a",), "b"), SetField(("c",), 1)], "c: 1"),
        # Empty values.
        ("depends_on:\nb: 1\n", [AddItem(("depends_on",), "a")], "depends_on:\n  - a\nb: 1\n"),
        ("depends_on:  # c\n", [AddItem(("depends_on",), "a")], "depends_on:  # c\n  - a\n"),
        ("depends_on:", [AddItem(("depends_on",), "a")], "depends_on:\n  - a"),
        ("l:\n- x\ndepends_on: ~\n", [AddItem(("depends_on",), "a")], "l:\n- x\ndepends_on:\n- a\n"),
        ("a:\n", [SetField(("a",), "b")], "a: b\n"),
        ("a:   # c\n", [SetField(("a",), "b")], "a: b   # c\n"),
        ("a:\n  -\n  - b\n", [SetField(("a", 0), "c")], "a:\n  - c\n  - b\n"),
        ("a: []\n", [AddItem(("a",), "b")], "a: [b]\n"),
        ("a: [ ]  # c\n", [AddItem(("a",), "b")], "a: [ b ]  # c\n"),
        ("a: [\n]\n", [AddItem(("a",), "b")], "a: [b]\n"),
        ("a: [ # c\n]\n", [AddItem(("a",), "b")], "a: [ # c\nb]\n"),
        ("a: {}\n", [SetField(("a", "b"), 1)], "a: {b: 1}\n"),
        # Flow lists, with and without a last comma, on one line or more.
        ("a: [x,]\n", [AddItem(("a",), "z")], "a: [x, z,]\n"),
        ("a: [x,y]\n", [AddItem(("a",), "z")], "a: [x,y,z]\n"),
        ("a: ['x', 'y']\n", [AddItem(("a",), "z")], "a: ['x', 'y', 'z']\n"),
        (
            "a: [\n  x,  # c\n  y   # d\n]\n",
            [AddItem(("a",), "z")],
            "a: [\n  x,  # c\n  y,   # d\n  z\n]\n",
        ),
        ("a: [\n  x,\n  y,   # d\n]\n", [AddItem(("a",), "z")], "a: [\n  x,\n  y,   # d\n  z,\n]\n"),
        ("a: [\n  x,\n  y]\n", [AddItem(("a",), "z")], "a: [\n  x,\n  y,\n  z]\n"),
        ("a: [\n  x,  # c\n  y   # d\n]\n", [RemoveItem(("a",), "y")], "a: [\n  x  # c\n]\n"),
        ("a: [\n  x,  # c\n  y   # d\n]\n", [RemoveItem(("a",), "x")], "a: [\n  y   # d\n]\n"),
        ("a: [\n  x, # c\n  y ]\n", [RemoveItem(("a",), "y")], "a: [\n  x # c\n   ]\n"),
        ("a: [\n  x,\n  # about y\n  y\n]\n", [RemoveItem(("a",), "x")], "a: [\n  # about y\n  y\n]\n"),
        ("a: [x, y, z]\n", [RemoveItem(("a",), "y")], "a: [x, z]\n"),
        ("a: [x, y,]\n", [RemoveItem(("a",), "y")], "a: [x,]\n"),
        ("a: [x, y]\n", [SetField(("a",), ["w", "x", "y"])], "a: [w, x, y]\n"),
        ("a: [b: 1, {c: 2}]\n", [SetField(("a", 1, "d"), 3)], "a: [b: 1, {c: 2, d: 3}]\n"),
        (
            "a: {b, c: , d: 1}\n",
            [SetField(("a", "b"), 1), SetField(("a", "c"), 2)],
            "a: {b: 1, c: 2, d: 1}\n",
        ),
        ("a: {b: x, c: y}\n", [RemoveField(("a", "b"))], "a: {c: y}\n"),
        ("a: {b: x}\n", [RemoveField(("a", "b"))], "a: {}\n"),
        ("a: {b: x}\n", [SetField(("a", "b"), "y\nz")], 'a: {b: "y\\nz"}\n'),
        # The whole document in braces; JSON stays JSON.
        (
            "{title: a, status: b}",
            [SetField(("status",), "c"), SetField(("hold",), "d")],
            "{title: a, status: c, hold: d}",
        ),
        (
            "{title: a, labels: [b]}\n",
            [SetField(("status",), "c")],
            "{title: a, status: c, labels: [b]}\n",
        ),
        (
            '{\n  "title": "a",\n  "labels": []\n}\n',
            [SetField(("status",), "yes"), AddItem(("labels",), "x y"), SetField(("x",), {"y": None})],
            '{\n  "title": "a",\n  "status": "yes",\n  "labels": ["x y"],\n  "x": {"y": null}\n}\n',
        ),
        ("# c\n{title: a} # d\n", [RemoveField(("title",))], "# c\n{} # d\n"),
        # Block lists and mappings.
        ("a:\n- x\n-   y\nb: 1\n", [AddItem(("a",), "z")], "a:\n- x\n-   y\n-   z\nb: 1\n"),
        ("a:\n    - 'x'\n", [AddItem(("a",), "y")], "a:\n    - 'x'\n    - 'y'\n"),
        (
            "a:\n  - x\n",
            [AddItem(("a",), {"b": 1, "c": [2]})],
            "a:\n  - x\n  - b: 1\n    c:\n      - 2\n",
        ),
        ("a:\n  - x\n", [AddItem(("a",), "y\nz\n")], "a:\n  - x\n  - |\n    y\n    z\n"),
        ("a:\n- - x\n  - y\n", [RemoveField(("a", 0, 0))], "a:\n- - y\n"),
        ("a:\n- - x\n  - y\n", [SetField(("a", 0), ["w", "x", "y"])], "a:\n- - w\n  - x\n  - y\n"),
        ("a:\n- b: 1 # c\n  d: 2\n", [RemoveField(("a", 0, "b"))], "a:\n-\n  d: 2\n"),
        ("a:\n- b: 1\n  d: 2\n", [RemoveField(("a", 0, "b"))], "a:\n- d: 2\n"),
        ("a:\n- b: 1\n  # c\n  d: 2\n", [RemoveField(("a", 0, "b"))], "a:\n-\n  # c\n  d: 2\n"),
        ("a:\n- b: |\n    x\n  c: 2\n- d\n", [SetField(("a", 0), "e")], "a:\n- e\n- d\n"),
        ("a:\n- b: |\n    x\n- d\n", [SetField(("a", 0), "e\nf")], "a:\n- |-\n  e\n  f\n- d\n"),
        ("a:\n- x\n- d\n", [SetField(("a", 0), {"b": 1, "c": 2})], "a:\n- b: 1\n  c: 2\n- d\n"),
        ("a:\n- x # c\n- d\n", [SetField(("a", 0), [1, [2]])], "a:\n- - 1 # c\n  - - 2\n- d\n"),
        ("a:\n   b: 1\n", [SetField(("a", "c"), {"d": 1})], "a:\n   b: 1\n   c:\n     d: 1\n"),
        ("  a: 1\n  b: 2\n", [SetField(("c",), 3), RemoveField(("a",))], "  b: 2\n  c: 3\n"),
        ("a:\n  b: 1 # c\n# d\n", [RemoveField(("a", "b"))], "a: {}\n# d\n"),
        ("a: 1 # c\n# d\n", [RemoveField(("a",))], "{}\n# d\n"),
        (
            "'a' : 1\n\"b\"  :   2\n",
            [SetField(("a",), 3), SetField(("b",), 4)],
            "'a' : 3\n\"b\"  :   4\n",
        ),
        (
            "? a\n: 1\n? b\n: - 2\n",
            [SetField(("a",), 3), AddItem(("b",), 4)],
            "? a\n: 3\n? b\n: - 2\n  - 4\n",
        ),
        ("? a\n: 1\n? b\n: 2\n", [RemoveField(("b",)), SetField(("c",), 3)], "? a\n: 1\nc: 3\n"),
        # Scalars over several lines.
        ("a: x\n  y # c\nb: 1\n", [SetField(("a",), "z")], "a: z # c\nb: 1\n"),
        ("a: 'x\n\n  y' # c\nb: 1\n", [SetField(("a",), "z")], "a: 'z' # c\nb: 1\n"),
        ("a: >-\n    x\n    y\nb: 1\n", [SetField(("a",), "z")], "a: >-\n    z\nb: 1\n"),
        ("a: >-\n    x\n    y\nb: 1\n", [SetField(("a",), "z\nw")], "a: |-\n    z\n    w\nb: 1\n"),
        ("a: |4\n     x\nb: 1\n", [SetField(("a",), " y\n")], "a: |5\n      y\nb: 1\n"),
        ("a: |+\n  x\n\nb: 1\n", [SetField(("a",), "y\n")], "a: |\n  y\nb: 1\n"),
        ("a: |+\n  x\n\nb: 1\n", [RemoveField(("a",))], "b: 1\n"),
        ("a: |\n  x\n\nb: 1\n", [SetField(("a",), "x\n\n")], "a: |+\n  x\n\nb: 1\n"),
        ("a: |\n  x\n\n\nb: 1\n", [SetField(("a",), "x\n\n")], 'a: "x\\n\\n"\n\n\nb: 1\n'),
        (
            "title: |\n  x\n     \n# c\n",
            [SetField(("hold",), "z")],
            "title: |\n  x\n     \nhold: z\n# c\n",
        ),
        # Removing what kept others apart.
        ("a: |\n  x\nb:\n  - y\n  # z\nc: 1\n", [RemoveField(("b",))], "a: |\n  x\nc: 1\n"),
        ("a: |+\n  x\nb: 1\n\nc: 1\n", [RemoveField(("b",))], "a: |+\n  x\nc: 1\n"),
        ("a: 1\n\n\nb: 2\n", [RemoveField(("b",))], "a: 1\n"),
        ("a: 1\n\nb: 2\n\n# c\n", [RemoveField(("b",))], "a: 1\n\n\n# c\n"),
        # Beyond ASCII.
        ("é: 😀 x # 😀\nb: 日本\n", [SetField(("b",), "語"), SetField(("é",), "z")], "é: z # 😀\nb: 語\n"),
    ],
)  # fmt: skip
def test_every_layout_is_kept(before: str, edits: list[Edit], after: str) -> None:
    assert edit(before, *edits) == after


def test_mixed_line_endings_stay_and_new_lines_take_their_neighbours() -> None:
    text = "title: a\r\ndescription: |\n  x\r\n  y\n\r\nlabels:\r\n- b\n"
    assert edit(text, SetField(("status",), "s"), AddItem(("labels",), "c"), SetField(("version",), 1)) == (
        "version: 1\r\ntitle: a\r\ndescription: |\n  x\r\n  y\nstatus: s\n\r\nlabels:\r\n- b\n- c\n"
    )


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("title: a\nlabels: []\n", "status", "title: a\n\nstatus: x\n\nlabels: []\n"),
        ("title: a\n\nlabels: []\n", "status", "title: a\n\nstatus: x\n\nlabels: []\n"),
        ("title: a\n", "status", "title: a\n\nstatus: x\n"),
        ("title: a\n\n# end\n", "status", "title: a\n\nstatus: x\n\n# end\n"),
        ("labels: []\n", "status", "status: x\n\nlabels: []\n"),
        (
            "description: |+\n  a\n\nlabels: []\n",
            "status",
            "description: |+\n  a\n\nstatus: x\n\nlabels: []\n",
        ),
        (
            "title: a\n\nstatus: todo\n\nlabels: []\n",
            "priority",
            "title: a\n\nstatus: todo\n\npriority: x\nlabels: []\n",
        ),
        (
            "title: a\n\nstatus: todo\n\n# c\nlabels: []\n",
            "hold",
            "title: a\n\nstatus: todo\n\nhold: x\n# c\nlabels: []\n",
        ),
        ("title: a\n\nstatus: todo\n", "priority", "title: a\n\nstatus: todo\n\npriority: x\n"),
        (
            "title: a\nstatus: todo\nlabels: []\n",
            "hold",
            "title: a\nstatus: todo\n\nhold: x\nlabels: []\n",
        ),
    ],
)  # fmt: skip
def test_a_spaced_field_stands_between_blank_lines(before: str, name: str, after: str) -> None:
    assert edit(before, SetField((name,), "x"), spaced=["status"]) == after


def test_a_field_between_blank_lines_stays_so_without_being_told() -> None:
    text = "title: a\n\n# b\nstatus: todo\n\nlabels: []\n"
    assert changed(text, SetField(("priority",), 1)) == ["+priority: 1"]
    assert edit(text, SetField(("priority",), 1)).endswith("status: todo\n\npriority: 1\nlabels: []\n")


def test_text_fields_are_compared_and_written_as_text() -> None:
    shape = Shape(fields={"title": TEXT, "env": Shape(other=TEXT), "labels": Shape(item=TEXT)})
    text = "title: 1.10\nenv: {A: 012}\nlabels:\n- 1\n"
    assert edit(text, SetField(("title",), "1.10"), AddItem(("labels",), "1"), shape=shape) == text
    assert edit(text, SetField(("title",), 1.1), SetField(("env", "A"), "012"), shape=shape) == (
        'title: "1.1"\nenv: {A: 012}\nlabels:\n- 1\n'
    )
    assert edit(text, AddItem(("labels",), 1), shape=shape) == text
    assert edit(text, RemoveItem(("labels",), 1), shape=shape) == "title: 1.10\nenv: {A: 012}\n"
    assert edit(text, SetField(("title",), "1.20"), shape=shape).startswith('title: "1.20"\n')
    assert edit(text, SetField(("env", "B"), 5), AddItem(("labels",), True), shape=shape) == (
        'title: 1.10\nenv: {A: 012, B: "5"}\nlabels:\n- 1\n- "true"\n'
    )


def test_equal_values_of_another_type_are_another_value() -> None:
    assert edit("a: 1\n", SetField(("a",), True)) == "a: true\n"
    assert edit("a: 1\n", SetField(("a",), 1.0)) == "a: 1.0\n"
    assert edit("a: [1]\n", AddItem(("a",), "1"), RemoveItem(("a",), 1.0)) == 'a: [1, "1"]\n'


def test_an_edit_of_the_value_leaves_the_old_value_alone() -> None:
    old = {"a": {"b": [1]}}
    assert apply_edit(old, AddItem(("a", "b"), 2)) == {"a": {"b": [1, 2]}}
    assert apply_edit(old, SetField(("a", "b", 0), (3, {"c": None}))) == {"a": {"b": [[3, {"c": None}]]}}
    assert old == {"a": {"b": [1]}}


@pytest.mark.promise("edit.safe-or-refused")
@pytest.mark.parametrize(
    ("text", "change", "message"),
    [
        ("a: x\n", AddItem(("a",), "y"), "f.yaml: a is no list"),
        ("a: {b: 1}\n", RemoveItem(("a",), "y"), "f.yaml: a is no list"),
        ("a: x\n", SetField(("a", "b"), 1), "f.yaml: a holds no fields"),
        ("a: {b: 1}\n", SetField(("a", 0), 1), "f.yaml: a is no list"),
        ("a: [1]\n", SetField(("a", 1), 1), "f.yaml: a[1] does not exist"),
        ("a: [1]\n", SetField((), 1), "an edit needs a field"),
        ("a: 1\n", SetField(("b",), "x" * 1_048_576), "f.yaml would grow too large"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(text: str, change: Edit, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        edit(text, change)
    assert caught.value.code == "edit-impossible"
    assert str(caught.value) == message


@pytest.mark.promise("edit.safe-or-refused")
def test_a_layout_that_cannot_be_edited_safely_is_left_alone() -> None:
    # U+0085 ends a line for the parser and for nobody else: the marks of the tree mislead.
    with pytest.raises(Refusal) as caught:
        edit("a: 1\nb:\x85 x\n", SetField(("b",), "y"))
    assert caught.value.code == "edit-refused"
    assert caught.value.hint == "nothing was changed; edit f.yaml by hand"
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.field) == (2, 1, "b")


def test_a_value_that_no_file_can_hold_is_refused() -> None:
    for value in ("a\0", ["\ud800"], {"x": float("inf")}):
        with pytest.raises(Refusal) as caught:
            edit("a: 1\n", SetField(("a",), value))
        assert caught.value.code == "not-storable"


def test_a_value_that_is_none_of_yaml_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(TypeError, match="set is no value"):
        edit("a: 1\n", SetField(("a",), {1}))


@pytest.mark.promise("edit.safe-or-refused")
def test_a_broken_file_is_not_edited() -> None:
    with pytest.raises(InvalidDocument):
        edit("a: 1\na: 2\n", SetField(("a",), 3))


def test_edits_apply_in_order() -> None:
    assert edit(
        "a: 1\n", SetField(("b",), [1]), AddItem(("b",), 2), RemoveField(("b", 0)), SetField(("a",), 0)
    ) == ("a: 0\nb:\n  - 2\n")
