"""What a YAML file says, where it says it, and everything that is wrong with it"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.errors import InvalidDocument, Problem
from gitbaton.store import yamlnodes
from gitbaton.store.yamlfile import SIZE_MAX, TEXT, VALUE, Shape, field_name, parse_yaml
from strategies import garbled, hand_written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.handwriting import HandWritten


@pytest.fixture(params=["libyaml", "python"], autouse=True)
def _parser(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything here holds with libyaml and without."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "python":
            patch.setattr(yamlnodes, "make_parser", yamlnodes.PythonParser)
        elif yamlnodes.make_parser is yamlnodes.PythonParser:
            pytest.skip("PyYAML was built without libyaml")
        yield


def problems(data: bytes | str) -> list[Problem]:
    with pytest.raises(InvalidDocument) as caught:
        parse_yaml(data.encode() if isinstance(data, str) else data, "tasks/a.yaml")
    assert all(problem.path == "tasks/a.yaml" for problem in caught.value.problems)
    return list(caught.value.problems)


def places(data: bytes | str) -> list[tuple[int, int, str, str]]:
    return [(one.line, one.column, one.field, one.code) for one in problems(data)]


# -- values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "value", "text"),
    [
        ("", None, None),
        ("~", None, None),
        ("null", None, None),
        ("true", True, "true"),
        ("false", False, "false"),
        ("0", 0, "0"),
        ("-7", -7, "-7"),
        ("1.10", 1.1, "1.10"),
        ("1e3", 1000.0, "1e3"),
        ("-0.5E-2", -0.005, "-0.5E-2"),
        ("'1'", "1", "1"),
        ('"true"', "true", "true"),
        ('""', "", ""),
        ("'~'", "~", "~"),
        # Not JSON: text as it stands, whatever YAML 1.1 or 1.2 make of it.
        *((plain, plain, plain) for plain in (
            "no", "Yes", "on", "True", "Null", "012", "0o17", "0x1F", "0b1", "1_000", "+1", "1.", ".5",
            ".inf", "-.INF", ".nan", "1:30", "2001-01-01", "2001-12-14 21:59:43", "=", "<<", "1e", "--1",
            "01.5", "2h",
        )),
    ],
)  # fmt: skip
def test_plain_scalars_are_json_or_text(source: str, value: object, text: str | None) -> None:
    data = f"a: {source}\nb: [{source}]\n".encode()
    items = [] if source == "" else [value]
    read = parse_yaml(data, "f.yaml").value
    assert json.dumps(read) == json.dumps({"a": value, "b": items})
    shape = Shape(fields={"a": TEXT, "b": Shape(item=TEXT)})
    assert parse_yaml(data, "f.yaml", shape).value == {"a": text, "b": [] if source == "" else [text]}


def test_keys_are_their_source_text() -> None:
    data = b"1: a\n1.0: b\ntrue: c\n~: d\n'yes': e\n<<: f\n? |\n  long\n: g\n2001-01-01: h\n"
    assert list(parse_yaml(data, "f.yaml").value) == [
        "1",
        "1.0",
        "true",
        "~",
        "yes",
        "<<",
        "long\n",
        "2001-01-01",
    ]


def test_a_merge_key_merges_nothing() -> None:
    assert parse_yaml(b"a:\n  <<: {b: 1}\n  c: 2\n", "f.yaml").value == {"a": {"<<": {"b": 1}, "c": 2}}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_and_byte_order_mark_are_no_part_of_the_value(ending: str) -> None:
    text = ending.join(["title: a", "description: |", "  b", "  c", "list:", "- d", ""])
    assert parse_yaml(b"\xef\xbb\xbf" + text.encode(), "f.yaml").value == {
        "title": "a",
        "description": "b\nc\n",
        "list": ["d"],
    }


def test_a_heading_underlined_inside_text_is_no_conflict() -> None:
    data = b"description: |\n  Heading\n  =======\n  <<<<<<< not at the start of a line\n"
    assert parse_yaml(data, "f.yaml").value["description"].startswith("Heading\n=======\n")


@given(hand_written())
def test_however_it_is_written_it_says_the_same(file: HandWritten) -> None:
    read = parse_yaml(file.data, "f.yaml").value
    assert json.dumps(read) == json.dumps(file.value)


# -- places ------------------------------------------------------------------------------------------

DOCUMENT = """\
# comment 😀
"title": "😀 a"   # comment
list:
  - x
  -   key: 1
      other: {inner: [1, 2]}
nothing:
"""


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ((), (1, 1)),
        (("title",), (2, 1)),
        (("list",), (3, 1)),
        (("list", 0), (4, 5)),
        (("list", 1), (5, 7)),
        (("list", 1, "key"), (5, 7)),
        (("list", 1, "other", "inner"), (6, 15)),
        (("list", 1, "other", "inner", 1), (6, 26)),
        (("nothing",), (7, 1)),
        # What is missing has the place of what is nearest above it.
        (("missing",), (1, 1)),
        (("list", 1, "missing", 3), (5, 7)),
        (("list", 7), (3, 1)),
        (("list", -1), (3, 1)),
        (("title", "deeper"), (2, 1)),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_field_has_a_place(
    field: tuple[str | int, ...], place: tuple[int, int], ending: str, mark: bytes
) -> None:
    file = parse_yaml(mark + DOCUMENT.replace("\n", ending).encode(), "f.yaml")
    assert file.position(field) == place


@given(hand_written())
def test_the_place_of_a_field_shows_its_key(file: HandWritten) -> None:
    read = parse_yaml(file.data, "f.yaml")
    lines = file.data.removeprefix(b"\xef\xbb\xbf").decode().split("\n")
    for name in file.value:
        line, column = read.position((name,))
        assert lines[line - 1][column - 1 :].lstrip("'\"").startswith(name)


def test_a_field_is_named_as_people_write_it() -> None:
    assert field_name(()) == ""
    assert field_name(("depends_on", 0)) == "depends_on[0]"
    assert field_name(("a", "b", 2, "c")) == "a.b[2].c"
    assert field_name(("two\nlines",)) == '"two\\nlines"'
    assert len(field_name(("x" * 1000,))) == 100


# -- problems ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("", [(1, 1, "", "empty")]),
        ("# only a comment\n", [(1, 1, "", "empty")]),
        ("---\n...\n", [(1, 1, "", "empty")]),
        ("null\n", [(1, 1, "", "empty")]),
        ("\n- a\n", [(2, 1, "", "not-a-mapping")]),
        ("just text\n", [(1, 1, "", "not-a-mapping")]),
        ("''\n", [(1, 1, "", "not-a-mapping")]),
        ("a: 1\n---\nb: 2\n", [(2, 1, "", "multiple-documents")]),
        ("a: 1\nb: 2\na: 3\n'a': 4\n", [(3, 1, "a", "duplicate-key"), (4, 1, "a", "duplicate-key")]),
        ("a: {b: 1, b: 2}\n", [(1, 11, "a.b", "duplicate-key")]),
        ("a:\n- b\n- c: 1\n  c: 2\n", [(4, 3, "a[1].c", "duplicate-key")]),
        ("a: &x 1\nb: [*x]\n", [(1, 4, "a", "alias"), (2, 5, "b[0]", "alias")]),
        ("a: *x\n", [(1, 4, "a", "alias")]),
        ("&x a: 1\n*x : 2\n", [(1, 1, "", "alias"), (2, 1, "", "alias")]),
        ("a: &x {b: 1}\n<<: *x\n", [(1, 4, "a", "alias"), (2, 5, "<<", "alias")]),
        ("a: !!str 1\n", [(1, 4, "a", "tag")]),
        ("a: ! x\nb: !x [1]\nc: !<y> {}\n", [(1, 4, "a", "tag"), (2, 4, "b", "tag"), (3, 4, "c", "tag")]),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", [(1, 1, "", "tag")]),
        ("? [a]\n: 1\n", [(1, 3, "", "key")]),
        ("a:\n  ? {b: 1}\n  : 1\n", [(2, 5, "a", "key")]),
        ("a: " + "9" * 5000 + "\n", [(1, 4, "a", "number")]),
        ("a: [1e999, -1e999]\n", [(1, 5, "a[0]", "number"), (1, 12, "a[1]", "number")]),
        ("a: 1\nb:\n\tc: 2\n", [(3, 1, "b", "tab")]),
        ("a: 1\nb:\n  \tc: 2\n", [(3, 3, "b", "tab")]),
        ("a:\n- b\n-\t- c\n", [(3, 2, "a[1]", "tab")]),
        ("title: a\nlist: [b, c\nstatus: d\n", [(2, 7, "list", "syntax")]),
        ("a: 1\nb: {c: 1\n", [(2, 4, "b", "syntax")]),
        ("a: 1\nb: 'x\nc: y\n", [(2, 4, "b", "syntax")]),
        ("a: x\nb\nc: y\n", [(2, 1, "a", "syntax")]),
        ("a: b: c\n", [(1, 5, "a", "syntax")]),
        ("a: @b\n", [(1, 4, "a", "syntax")]),
        (" a: 1\nb: 2\n", [(2, 1, "b", "syntax")]),
        ("a:\n  - b\n c: 1\n", [(3, 2, "a", "syntax")]),
        ("a: 'b' c\n", [(1, 8, "a", "syntax")]),
        ("a: x\x00y\nb: \x1b\x1b\n", [(1, 5, "a", "control-character"), (2, 4, "b", "control-character")]),
        ('a: "\\0"\n', [(1, 4, "a", "control-character")]),
        ("a: 1\n\ufeffb: 2\n", [(2, 1, "a", "control-character")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfa: 1\n", [(1, 1, "", "control-character")]),
        (b"a: 1\nb: \xc3\xa9\xff\n", [(2, 5, "b", "encoding")]),
        ("a: 1\n".encode("utf-16"), [(1, 1, "", "encoding")]),
        ("a: é\n".encode("latin-1"), [(1, 4, "a", "encoding")]),
        ("x: " + "[" * 100_000, [(1, 67, "x", "too-deep")]),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", [(2, 1, "b", "conflict-markers")]),
        (
            "<<<<<<< HEAD\nb: 1\n||||||| base\n=======\n>>>>>>> x\nc: |\n  d\n<<<<<<<\n",
            [(1, 1, "b", "conflict-markers"), (8, 1, "c", "conflict-markers")],
        ),
        ("a: 1\r\n>>>>>>> x\r\n", [(2, 1, "a", "conflict-markers")]),
        ("a: 1\n=======\nb: 2\n", [(2, 1, "a", "conflict-markers")]),
    ],
)  # fmt: skip
def test_each_problem_has_place_field_and_code(
    data: bytes | str, found: list[tuple[int, int, str, str]]
) -> None:
    assert places(data) == found


def test_all_problems_of_the_values_come_together() -> None:
    data = "a: 1\na: 2\nb: &x 1\nc: [*x, !t 1, 1e999]\nd: {? [] : 1}\n---\ne: 1\n"
    codes = [problem.code for problem in problems(data)]
    assert codes == ["duplicate-key", "alias", "alias", "tag", "number", "key", "multiple-documents"]


def test_what_was_wrong_before_the_parser_gave_up_is_reported_too() -> None:
    assert [code for *_, code in places("a: 1\na: 2\nb: [\n")] == ["duplicate-key", "syntax"]


def test_messages_say_what_to_do() -> None:
    assert [str(problem) for problem in problems("title: a\ntitle: b\n")] == [
        "tasks/a.yaml:2:1: title: the key stands in line 1 already; keep one of the two"
    ]
    assert [problem.message for problem in problems("a: !env X\n")] == [
        "!env is a tag; leave it out, or put text that begins with ! in quotes"
    ]
    (problem,) = problems("a: |\n  b\u2028c\n")
    assert problem.message == (
        "no 'key: value', and indented too little to belong to the value above;"
        " U+2028 on this line counts as a line break, remove it"
    )


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert problems('a: "\\ud800"\n')[0].field == "a"  # libyaml says syntax, PyYAML lets it pass


@pytest.mark.parametrize("escape", ["\\q", "\\x1", "\\UFFFFFFFF", "\\"])
def test_an_unknown_escape_is_a_problem_where_it_stands(escape: str) -> None:
    (problem,) = problems(f'a: "b {escape}"\n')
    assert (problem.line, problem.field, problem.code) == (1, "a", "syntax")
    assert 4 <= problem.column <= 18


def test_a_file_over_the_limit_is_not_read() -> None:
    data = b"a: " + b"x" * SIZE_MAX
    assert [code for *_, code in places(data)] == ["too-large"]
    assert parse_yaml(data, "f.yaml", size_max=len(data)).value["a"] == "x" * SIZE_MAX


_HOSTILE = {
    "many anchors": "\n".join(f"k{i}: &a{i} 1" for i in range(20_000)),
    "many duplicates": "k: 1\n" * 50_000,
    "many markers": "<<<<<<< a\n" * 50_000,
    "many control characters": "\x01\n" * 50_000,
    "one line of NUL": "\x00" * 200_000,
    "many tag directives": "".join(f"%TAG !a{i}! tag:x\n" for i in range(20_000)) + "---\na: 1\n",
    "deep blocks": "\n".join(" " * i + "a:" for i in range(1_000)),
    "deep dashes": "- " * 100_000,
    "question marks": "? " * 100_000,
    "digits": "a: " + "1" * 200_000,
    "digits of a float": "a: 1." + "1" * 200_000 + "e999",
    "a long key": "x" * 200_000 + ": 1",
    "colons": "a" + ":" * 200_000,
    "tabs": "\t" * 200_000,
    "an open quote": "a: '" + "x\n" * 100_000,
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", list(_HOSTILE))
def test_hostile_text_is_refused_soon(name: str) -> None:
    found = problems(_HOSTILE[name])
    assert 0 < len(found) <= 101
    assert all(len(problem.message) < 250 and len(problem.field) <= 100 for problem in found)


def assert_value_or_problems(data: bytes) -> None:
    found: tuple[Problem, ...] = ()
    try:
        value = parse_yaml(data, "f.yaml").value
    except InvalidDocument as error:
        found = error.problems
    else:
        json.dumps(value, allow_nan=False).encode()
        return
    lines = data.count(b"\n") + data.count(b"\r") + 1
    assert found
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in found)


_STRANGE = st.text(alphabet=" \t\n\r-?:,[]{}#&*!|>'\"%@`~<=0a\\é\ufeff\u2028", max_size=30).map(str.encode)


@given(st.one_of(st.binary(max_size=60), _STRANGE))
def test_no_bytes_are_too_strange(data: bytes) -> None:
    assert_value_or_problems(data)


@given(garbled())
def test_no_damaged_file_is_too_strange(data: bytes) -> None:
    assert_value_or_problems(data)


def test_unknown_shapes_read_json() -> None:
    assert parse_yaml(b"a: {b: 1.10}\n", "f.yaml", VALUE).value == {"a": {"b": 1.1}}
