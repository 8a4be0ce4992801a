"""The one layer that knows disk, git and YAML."""
