"""The outside world: agents and forges. Each module answers one port, or is a part of one that does."""
