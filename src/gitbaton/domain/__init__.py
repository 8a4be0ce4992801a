"""Pure values and rules. Nothing here reads a file, a clock or an environment."""
