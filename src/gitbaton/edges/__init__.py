"""The outside world: agents and forges."""
