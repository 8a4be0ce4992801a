"""What people and programs read: records for ``--json``, text for the terminal."""
