"""Writes ``github_openapi.json``: the part of GitHub's OpenAPI description that the fake serves.

    python tests/support/vendor_github_openapi.py

Source: npm package ``@octokit/openapi``, fetched with ``npm pack`` (the package is MIT licensed; its
licence is written beside the subset). Prose and examples are left out, because only shapes are checked.
Run it again after adding a line to ``OPERATIONS`` or raising ``PACKAGE``; the result is deterministic.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "@octokit/openapi@23.0.2"
DESCRIPTION = "package/generated/api.github.com.json"
LICENSE = "package/LICENSE"

#: Every operation that ``github_fake`` answers, and no other.
OPERATIONS = (
    ("get", "/repos/{owner}/{repo}"),
    ("get", "/repos/{owner}/{repo}/branches/{branch}"),
    ("get", "/repos/{owner}/{repo}/git/ref/{ref}"),
    ("get", "/repos/{owner}/{repo}/pulls"),
    ("post", "/repos/{owner}/{repo}/pulls"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("patch", "/repos/{owner}/{repo}/pulls/{pull_number}"),
    ("put", "/repos/{owner}/{repo}/pulls/{pull_number}/merge"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"),
    ("post", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews"),
    ("get", "/repos/{owner}/{repo}/pulls/{pull_number}/comments"),
    ("get", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("post", "/repos/{owner}/{repo}/issues/{issue_number}/comments"),
    ("get", "/repos/{owner}/{repo}/actions/runs/{run_id}"),
    ("post", "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches"),
)

HERE = Path(__file__).resolve().parent
TARGET = HERE / "github_openapi.json"
TARGET_LICENSE = HERE / "github_openapi.LICENSE"

#: Keywords that say nothing about shape.
PROSE = frozenset(
    {"description", "summary", "title", "example", "examples", "externalDocs", "tags", "deprecated"}
)


def strip_prose(node: Any, *, names: bool = False) -> Any:
    """``node`` without prose. ``names``: the keys are names that the API chose (a property may well be
    called ``description``), not keywords of the description language.
    """
    if isinstance(node, list):
        return [strip_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: strip_prose(value, names=key in {"properties", "patternProperties"} and not names)
        for key, value in node.items()
        if names or (key not in PROSE and not key.startswith("x-"))
    }


def iter_references(node: Any) -> list[str]:
    """All ``$ref`` targets below ``node``, in order."""
    if isinstance(node, list):
        return [found for item in node for found in iter_references(item)]
    if not isinstance(node, dict):
        return []
    here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return here + [found for value in node.values() for found in iter_references(value)]


def select(description: dict[str, Any]) -> dict[str, Any]:
    """The subset: ``OPERATIONS`` and everything they refer to, stripped."""
    paths: dict[str, Any] = {}
    for method, path in OPERATIONS:
        paths.setdefault(path, {})[method] = strip_prose(description["paths"][path][method])
    components: dict[str, dict[str, Any]] = {}
    wanted = iter_references(paths)
    while wanted:
        _, _, section, name = wanted.pop().split("/")
        if name in components.setdefault(section, {}):
            continue
        components[section][name] = strip_prose(description["components"][section][name])
        wanted += iter_references(components[section][name])
    return {
        "openapi": description["openapi"],
        "info": {"title": "GitHub REST API (subset)", "version": PACKAGE, "license": {"name": "MIT"}},
        "servers": description["servers"],
        "paths": paths,
        "components": {section: dict(sorted(named.items())) for section, named in sorted(components.items())},
    }


def fetch() -> tuple[dict[str, Any], str]:
    """The package's description of api.github.com and its licence text."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            ["npm", "pack", PACKAGE, "--silent"], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
        )
        with tarfile.open(Path(folder) / packed.stdout.strip().splitlines()[-1]) as archive:
            members = {name: archive.extractfile(name) for name in (DESCRIPTION, LICENSE)}
            read = {name: member.read() for name, member in members.items() if member is not None}
    return json.loads(read[DESCRIPTION]), read[LICENSE].decode()


def main() -> int:
    description, licence = fetch()
    TARGET.write_text(
        json.dumps(select(description), separators=(",", ":"), ensure_ascii=False) + "\n", "utf-8"
    )
    TARGET_LICENSE.write_text(f"github_openapi.json is a subset of {PACKAGE} from npm.\n\n{licence}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
