"""Globs: which paths they name, and whether two of them may name one."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.scope import globs_overlap, is_matched

# glob, paths it names, paths it doesn't
TABLE = [
    ("src", ["src", "src/a.py", "src/a/b.py"], ["srcs", "lib/src", "src.py"]),
    ("src/", ["src/a.py", "src/a/b.py"], ["lib/src/a.py"]),
    ("./src/", ["src/a.py"], ["lib/a.py"]),
    ("/src", ["src/a.py"], ["lib/src/a.py"]),
    ("src//a", ["src/a", "src/a/b"], ["src/b"]),
    ("src/*", ["src/a.py", "src/b"], ["src/a/b.py", "src"]),
    ("src/*/", ["src/a/b.py", "src/a/b/c.py"], ["lib/a/b.py"]),
    ("src/**", ["src/a.py", "src/a/b.py"], ["src", "lib/src/a.py"]),
    ("**", ["a", "a/b"], []),
    (".", ["a", "a/b"], []),
    ("**/*.py", ["a.py", "a/b/c.py"], ["a.pyc", "a.py/b"]),
    ("**/test", ["test", "a/test", "a/test/x"], ["atest", "a/testb"]),
    ("a/**/b", ["a/b", "a/x/b", "a/x/y/b", "a/x/b/c"], ["ab", "a/xb"]),
    ("**.js", ["a.js", "a/b.js"], ["a.jsx"]),
    ("a**z", ["az", "abcz", "a/b/z"], ["b/az"]),
    ("*", ["a", "b.py"], ["a/b"]),
    ("a?c", ["abc", "a.c"], ["ac", "a/c", "abbc"]),
    ("[ab].py", ["a.py", "b.py", "[ab].py"], ["c.py", "ab.py"]),
    ("[!ab].py", ["c.py"], ["a.py", "/.py"]),
    ("x[!a]y", ["xby"], ["x/y", "xay"]),
    ("[a-c]x", ["ax", "cx"], ["dx"]),
    ("[a-a]x", ["ax"], ["bx", "-x"]),
    ("[!]x", ["!x", "[!]x"], ["ax"]),
    ("[]]x", ["]x"], ["x"]),
    ("[z-a]x", ["[z-a]x"], ["zx", "ax"]),
    ("[+-9]x", ["5x", ".x"], ["/x"]),
    ("app/[slug]/page.tsx", ["app/[slug]/page.tsx", "app/s/page.tsx"], ["app/slug/page.tsx"]),
    ("a[b", ["a[b"], ["ab"]),
    ("[[a]x", ["[x", "ax"], ["bx"]),
    ("a.b+c(d)", ["a.b+c(d)"], ["aXb+c(d)", "a.bbc(d)"]),
    ("a&&b[&&]", ["a&&b&"], ["a&&b"]),
    ("with space/*", ["with space/x"], ["with/space/x"]),
    (" src ", ["src/a"], ["x/a"]),
    ("é*", ["éa"], ["ea"]),
    ("SRC", ["SRC/a"], ["src/a"]),
]


@pytest.mark.parametrize(("glob", "named", "path"), [(g, True, p) for g, yes, _ in TABLE for p in yes])
def test_names(glob: str, named: bool, path: str) -> None:
    assert is_matched(path, [glob]) is named


@pytest.mark.parametrize(("glob", "path"), [(g, p) for g, _, no in TABLE for p in no])
def test_does_not_name(glob: str, path: str) -> None:
    assert not is_matched(path, [glob])


def test_one_of_several_is_enough_and_none_names_nothing() -> None:
    assert is_matched("b/x", ["a", "b"])
    assert not is_matched("c/x", ["a", "b"])
    assert not is_matched("c/x", [])


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ("src", "src", True),
        ("src", "src/a.py", True),
        ("./src/a", "src", True),
        ("src", "lib", False),
        ("src", "srcs", False),
        ("src/a", "src/b", False),
        ("src/**", "src/a/b", True),
        ("src/*", "src/a/b", False),
        ("src/*", "src/a", True),
        ("src/*.py", "src/*.ts", False),
        ("src/a*", "src/b*", False),
        ("src/a*", "src/*b", True),
        ("**/*.py", "src", True),
        ("**/*.py", "docs/**/*.md", False),
        ("docs/**/*.md", "docs/api/index.md", True),
        ("a/**/z", "a/b/**", True),
        ("a/**/z", "b/**", False),
        ("packages/*/src", "packages/api", True),
        ("packages/*/src", "packages/api/tests/**", False),
        ("**", "anything", True),
        (".", "anything", True),
        ("a**", "b", True),  # a ** within a segment is taken for any path
    ],
)
def test_overlap(first: str, second: str, overlap: bool) -> None:
    assert globs_overlap(first, second) is overlap
    assert globs_overlap(second, first) is overlap


_SEGMENT = st.text(alphabet="ab*?[]!-", min_size=1, max_size=4)
_GLOB = st.lists(st.one_of(_SEGMENT, st.sampled_from(["**", "a", "b", "ab"])), min_size=1, max_size=4).map(
    "/".join
)
_PATHS = ["/".join(parts) for n in (1, 2, 3) for parts in product(["a", "b", "ab", "ba", "a]"], repeat=n)]


@given(_GLOB, _GLOB)
def test_two_globs_that_name_one_path_overlap(first: str, second: str) -> None:
    assert globs_overlap(first, second) is globs_overlap(second, first)
    common = [p for p in _PATHS if is_matched(p, [first]) and is_matched(p, [second])]
    assert not common or globs_overlap(first, second), common[0]


@given(_GLOB)
def test_a_glob_overlaps_itself_if_it_names_anything(glob: str) -> None:
    assert globs_overlap(glob, glob) or not any(is_matched(p, [glob]) for p in _PATHS)


@given(st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=3).map("/".join), _GLOB)
def test_a_plain_path_overlaps_what_names_it_or_something_below(path: str, glob: str) -> None:
    if any(is_matched(p, [glob]) for p in [path, *(f"{path}/{p}" for p in _PATHS)]):
        assert globs_overlap(path, glob)


def test_many_deep_wildcards_are_compared_quickly() -> None:
    assert not globs_overlap("**/a/" * 30 + "*.py", "**/b/" * 30 + "*.ts")
