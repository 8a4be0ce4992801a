"""The cache as a file: what is wrong with it reads as nothing, is told by ``describe_cache``, and heals."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from gitbaton.store.cache import Cache, cache_file, open_cache
from gitbaton.store.cachecheck import describe_cache
from gitbaton.store.repository import Repository, open_repository
from support.repos import make_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return open_repository(make_repository(tmp_path, {"tasks/a.yaml": "title: A\n"}).path)


def test_what_is_kept_is_found(repo: Repository) -> None:
    open_cache(repo).keep_rows([("1" * 40, ("x", None)), ("2" * 40, ("y", ()))])
    assert open_cache(repo).find_rows(["1" * 40, "3" * 40]) == {"1" * 40: ("x", None)}
    open_cache(repo).keep_rows(((f"{n:040}", n) for n in range(5_000)), in_use=1)
    open_cache(repo).keep_rows([("4" * 40, "new")], in_use=1)
    assert open_cache(repo).find_rows(["1" * 40]) == {}, "it doesn't grow for ever"
    assert describe_cache(repo).problem is None
    assert describe_cache(repo).size > 0


def test_a_value_that_is_not_whole_is_none(repo: Repository) -> None:
    open_cache(repo).keep_rows([("1" * 40, "one"), ("2" * 40, "two")])
    with sqlite3.connect(cache_file(repo.common_dir)) as db:
        db.execute(
            "UPDATE rows SET data = (SELECT data FROM rows WHERE oid = ?) WHERE oid = ?", ("1" * 40, "2" * 40)
        )
        db.execute("UPDATE rows SET data = substr(data, 1, length(data) - 1) WHERE oid = ?", ("1" * 40,))
    db.close()
    assert open_cache(repo).find_rows(["1" * 40, "2" * 40]) == {}


def test_a_damaged_file_is_set_aside_and_named(repo: Repository) -> None:
    open_cache(repo).keep_rows([("1" * 40, "one")])
    file = repo.common_dir / "baton" / cache_file(repo.common_dir).rpartition("/")[2]
    file.write_bytes(b"no database at all\n" * 1000)
    assert "damaged" in (describe_cache(repo).problem or "")
    cache = open_cache(repo)
    assert cache.find_rows(["1" * 40]) == {}
    cache.keep_rows([("1" * 40, "one")])
    assert describe_cache(repo).leftovers == (f"{file}.damaged",)
    open_cache(repo).keep_rows([("1" * 40, "one")])
    assert open_cache(repo).find_rows(["1" * 40]) == {"1" * 40: "one"}, "the next command begins anew"
    assert describe_cache(repo).problem is None


def test_somebody_elses_transaction_is_waited_for_only_shortly(repo: Repository) -> None:
    open_cache(repo).keep_rows([("1" * 40, "one")])
    with sqlite3.connect(cache_file(repo.common_dir), isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert open_cache(repo).find_rows(["1" * 40]) == {}
        open_cache(repo).keep_rows([("2" * 40, "two")])
        assert describe_cache(repo).problem is None, "it is only busy"
        other.execute("ROLLBACK")
    other.close()
    assert open_cache(repo).find_rows(["1" * 40, "2" * 40]) == {"1" * 40: "one"}


def test_what_raises_in_a_transaction_undoes_it(repo: Repository) -> None:
    cache = open_cache(repo)
    with pytest.raises(ZeroDivisionError):
        cache.run(lambda db: (db.execute("INSERT INTO board VALUES ('x', x'00')"), 1 // 0), write=True)
    assert cache.run(lambda db: db.execute("SELECT * FROM board").fetchall()) == []


def test_a_folder_that_cant_be_written(unprivileged: Path) -> None:
    checkout = make_repository(unprivileged, {"tasks/a.yaml": "title: A\n"})
    repo = open_repository(checkout.path)
    shutil.rmtree(repo.common_dir / "baton", ignore_errors=True)
    (repo.common_dir / "baton").mkdir(mode=0o500)
    cache = open_cache(repo)
    cache.keep_rows([("1" * 40, "one")])
    assert cache.find_rows(["1" * 40]) == {}
    assert describe_cache(repo).problem == "it can't be written, so everything is read anew each time"
    (repo.common_dir / "baton").chmod(0o700)


def test_without_a_file_nothing_is_kept() -> None:
    cache = Cache(None)
    cache.keep_rows([("1" * 40, "one")])
    assert cache.find_rows(["1" * 40]) == {}
    assert cache.run(lambda _: 1) is None
