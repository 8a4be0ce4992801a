"""Folders with actions that stand in for well-known ones, for ``composite`` and for ``act``."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).with_name("actions")
CHECKOUT = _FOLDER / "checkout"
NOTHING = _FOLDER / "nothing"

#: ``owner/name`` → folder.
STAND_INS = {
    "actions/checkout": CHECKOUT,
    "actions/setup-python": NOTHING,
    "actions/setup-node": NOTHING,
}
