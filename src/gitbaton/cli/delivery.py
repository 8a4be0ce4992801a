"""The options of every command that writes documents: where the edit goes; and how the answer says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.usecases.delivery import Delivery

if TYPE_CHECKING:
    import argparse

    from gitbaton.store.edits import Edited


def add_delivery(p: argparse.ArgumentParser) -> None:
    """``--push``, ``--base`` and ``--propose``; one of them at most."""
    where = p.add_mutually_exclusive_group()
    where.add_argument("--push", action="store_true", default=None, help="push the branch afterwards")
    where.add_argument(
        "--base",
        action="store_true",
        help="commit to the base branch, without checking it out; a remote's is pushed to",
    )
    where.add_argument(
        "--propose",
        action="store_true",
        help="commit to a new branch from base, and open a pull request where there is a forge",
    )


def read_delivery(a: argparse.Namespace) -> Delivery:
    """What those options say."""
    return Delivery("base" if a.base else "proposal" if a.propose else "here", a.push)


def delivery_record(edited: Edited | None) -> dict[str, Any]:
    """Where an edit went, for programs."""
    return {
        "commit": edited.commit if edited else None,
        "branch": edited.branch if edited else None,
        "pushed": bool(edited and edited.pushed),
        "pull_request": edited.url if edited else None,
    }


def describe_delivery(edited: Edited) -> list[str]:
    """The same for people, where there is something to say."""
    lines = []
    if edited.uncommitted:
        lines.append(f"{', '.join(edited.uncommitted)} is not in git yet, so nothing was committed")
    elif edited.proposed:
        lines.append(f"proposed on {edited.branch}" + (f": {edited.url}" if edited.url else ""))
    elif edited.off_base and edited.commit:
        lines.append(f"committed on {edited.branch}: the fleet sees it once that is merged")
    if edited.note:
        lines.append(edited.note)
    return lines
