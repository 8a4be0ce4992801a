"""The settings file, read only as far as a command needs it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.gates import GATES
from gitbaton.errors import InvalidDocument, Problem
from gitbaton.store.cache import hash_blob
from gitbaton.store.layout import CONFIG_PATH

if TYPE_CHECKING:
    from gitbaton.domain.config import Config
    from gitbaton.store.cache import Cache
    from gitbaton.store.layout import Layout


class ConfigFacts(NamedTuple):
    """What every command needs of the settings; the defaults are those of ``domain.config``."""

    base: str | None = None
    remote: str | None = None
    namespace: str = "refs/baton"
    attempts_max: int = 3
    push: str = "manual"
    layout: Layout = "flat"
    prefix: str = "baton/"
    #: Whether there are caps that count for people, too.
    is_capped: bool = False
    #: Levels of complexity that must be approved, and those that must be split, before a claim.
    gates: tuple[tuple[str, ...], ...] = tuple(GATES)


class ConfigFile:
    """The text of a settings file (None: there is none). What every command needs is kept in the cache; all else is
    parsed when it is asked for. A file that can't be read gives the defaults and its problems. ``commit`` is the one
    whose file it is; None for a file of the working tree.
    """

    def __init__(self, data: bytes | None, cache: Cache | None = None, *, commit: str | None = None) -> None:
        self._data = data
        self.commit = commit
        self.facts = ConfigFacts()
        self.problems: tuple[Problem, ...] = ()
        if data is None:
            return
        oid = hash_blob(data)
        if cache and (kept := cache.find_document("config", oid)):
            self.facts = ConfigFacts(*kept[0])
            self.problems = tuple(Problem(*p) for p in kept[1])
            return
        from gitbaton.domain.routing import list_gates

        config, self.problems = self._parsed
        caps = config.caps
        self.facts = ConfigFacts(
            config.base, config.remote, config.namespace, config.retries.attempts, config.push, config.layout,
            config.prefix, caps.running is not None or caps.open_reviews is not None, tuple(list_gates(config.routing)),
        )  # fmt: skip
        if cache:
            cache.keep_document("config", oid, (tuple(self.facts), [tuple(p) for p in self.problems]))

    @property
    def config(self) -> Config:
        """All settings."""
        return self._parsed[0]

    @cached_property
    def _parsed(self) -> tuple[Config, tuple[Problem, ...]]:
        from gitbaton.domain.config import Config
        from gitbaton.store.documents import parse_document

        if self._data is None:
            return Config(), ()
        try:
            return parse_document(self._data, CONFIG_PATH, Config, "config"), ()
        except InvalidDocument as error:
            return Config(), error.problems
