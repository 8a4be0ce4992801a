"""Options that say which tasks are meant, the same for every command that chooses among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.choosing import Filters


def add_filters(p: argparse.ArgumentParser) -> None:
    """Add the options."""
    p.add_argument(
        "--only-label",
        "--label",
        dest="labels",
        action="append",
        default=[],
        metavar="WORD",
        help="only tasks with this label; may be repeated: with any of them",
    )
    p.add_argument("--plan", metavar="ID", help="only tasks of this plan")
    p.add_argument("--service", metavar="NAME", help="only tasks of this service")


def read_filters(a: argparse.Namespace) -> Filters:
    """What the options say."""
    from gitbaton.usecases.choosing import Filters

    return Filters(tuple(a.labels), a.plan, a.service)
