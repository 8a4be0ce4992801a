"""Programs that tests need and the package does not: fetched once, kept in a cache outside the repository.

A machine without network or without the compiler that a program needs skips the tests that want it, and
says why. ``GITBATON_TESTS_REQUIRE`` (names separated by commas: ``act``, ``node``) turns that into a
failure, for the machine whose verdict counts.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def _find_cache() -> Path:
    chosen = os.environ.get("XDG_CACHE_HOME")
    return (Path(chosen) if chosen else Path.home() / ".cache") / "gitbaton-tests"


#: Read when the tests are collected: a test may well point HOME elsewhere.
CACHE = _find_cache()
#: The environment that a fetching tool needs (proxies, registries), as it was then.
TOOL_ENVIRONMENT = dict(os.environ)


def go_without(name: str, reason: str) -> NoReturn:
    """Skip the test, or fail it where ``name`` is required."""
    if name in os.environ.get("GITBATON_TESTS_REQUIRE", "").split(","):
        pytest.fail(f"{name} is required here: {reason}")
    pytest.skip(f"no {name}: {reason}")


@contextmanager
def hold_lock(name: str) -> Iterator[None]:
    """Let one process at a time fetch ``name``; the kernel frees the lock of one that dies."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
