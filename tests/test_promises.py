"""Every promise has a test, and every test of claims and edits says what it proves."""

from __future__ import annotations

from fnmatch import fnmatch

import pytest

from support.promises import iter_modules, read_module, read_promises

#: Modules in which every test proves a promise.
COVERED = (
    "crash/*", "laws/*", "store/test_edits*.py", "store/test_merge*.py", "store/test_refs.py", "store/test_server_time.py",
    "store/test_yaml_editing*.py", "usecases/test_accept.py", "usecases/test_caps.py", "usecases/test_claim*.py",
    "usecases/test_exchange.py", "usecases/test_leases.py", "usecases/test_sync.py", "usecases/test_takeover.py",
    "usecases/test_transitions.py", "usecases/test_workflow_claims.py", "usecases/test_writing.py",
)  # fmt: skip
PROMISES = {
    f"{part}.{name}": sentence for part, names in read_promises().items() for name, sentence in names.items()
}
MODULES = list(iter_modules())


def test_every_promise_has_a_test() -> None:
    named = {
        name for module in MODULES for names in (module.promises, *module.tests.values()) for name in names
    }
    assert sorted(set(PROMISES) - named) == []


def test_no_test_names_a_promise_that_nobody_made() -> None:
    unknown = [
        f"{module.path}: {name}"
        for module in MODULES
        for names in (module.promises, *module.tests.values())
        for name in names
        if name not in PROMISES
    ]
    assert unknown == []


def test_every_test_of_claims_and_edits_says_what_it_proves() -> None:
    """Say it with ``@pytest.mark.promise("…")``, or with ``pytestmark`` for all tests of a module."""
    covered = [module for module in MODULES if any(fnmatch(module.path, pattern) for pattern in COVERED)]
    assert len(covered) >= len(COVERED)
    silent = [
        f"{module.path}::{test}"
        for module in covered
        if not module.promises
        for test, names in (module.tests or {"the whole module": ()}).items()
        if not names
    ]
    assert silent == []


def test_a_module_as_such_names_one_promise() -> None:
    """More than one for all of its tests says too little about each of them."""
    assert [module.path for module in MODULES if len(module.promises) > 1] == []


def test_promises_are_plain_sentences() -> None:
    for name, sentence in PROMISES.items():
        assert sentence[0].isupper(), name
        assert sentence.endswith("."), name
        assert len(sentence) <= 160, name


@pytest.mark.parametrize(
    ("text", "of_all", "tests"),
    [
        ('@pytest.mark.promise("a.b")\ndef test_x(): ...', (), {"test_x": ("a.b",)}),
        ('@pytest.mark.slow\n@pytest.mark.promise("a", "b")\nasync def test_x(): ...', (), {"test_x": ("a", "b")}),
        ('pytestmark = pytest.mark.promise("a")\ndef test_x(): ...', ("a",), {"test_x": ()}),
        ('pytestmark = [pytest.mark.slow, pytest.mark.promise("a")]\ndef help(): ...', ("a",), {}),
        ('class TestIt:\n    @pytest.mark.promise("a")\n    def test_x(self): ...', (), {"test_x": ("a",)}),
    ],
)  # fmt: skip
def test_marks_are_found(text: str, of_all: tuple[str, ...], tests: dict[str, tuple[str, ...]]) -> None:
    assert read_module(text, "test_it.py") == ("test_it.py", of_all, tests)
