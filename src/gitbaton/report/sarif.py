"""Problems of the repository's files as SARIF 2.1.0, which code scanners and editors read:
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gitbaton import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.errors import Problem

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render_sarif(problems: Sequence[Problem], notes: Sequence[Problem] = ()) -> str:
    """One run of ours, with a rule for each code that occurs."""
    codes = sorted({p.code for p in (*problems, *notes)})
    rules = [{"id": code, "shortDescription": {"text": code.replace("-", " ")}} for code in codes]
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "gitbaton", "version": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [
            *(_describe(p, codes.index(p.code), "error") for p in problems),
            *(_describe(n, codes.index(n.code), "note") for n in notes),
        ],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _describe(problem: Problem, rule: int, level: str) -> dict[str, Any]:
    text = f"{problem.field}: {problem.message}" if problem.field else problem.message
    place = {
        "artifactLocation": {
            "uri": quote(problem.path.encode("utf-8", "surrogateescape")),
            "uriBaseId": "%SRCROOT%",
        },
        "region": {"startLine": problem.line, "startColumn": problem.column},
    }
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": level,
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }
