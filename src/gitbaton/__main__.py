"""``python -m gitbaton`` is ``baton``."""

from gitbaton.cli import entry

entry()
