"""gitbaton: tasks, plans and handoffs for coding agents, kept in git."""

__version__ = "0.1.0"
