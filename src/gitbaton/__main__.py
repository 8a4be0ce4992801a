"""``python -m gitbaton`` is ``baton``."""

from gitbaton.start import entry

entry()
