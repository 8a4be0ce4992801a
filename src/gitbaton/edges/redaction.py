"""Take the secrets of an environment out of text before it is kept or shown."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Variables whose value is taken for a secret: ANTHROPIC_API_KEY, GITHUB_TOKEN, DB_PASSWORD …
SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?)$", re.IGNORECASE)
#: HTTP headers that carry one, in the configuration of an MCP server.
SECRET_HEADER = re.compile(r"authorization|cookie|key|token|secret", re.IGNORECASE)
#: Shorter values are words of everyday text; a secret that short protects nothing.
LENGTH_MIN = 8
REPLACEMENT = "[secret removed]"


class Redactor:
    """Replaces the values of secret variables, as they are and as they stand inside a JSON string.

    Also those in ``env`` and ``headers`` of MCP servers. A value with several lines is recognised line
    by line, because that is how programs print it. Other encodings (base64, …) are not recognised.
    """

    def __init__(
        self, env: Mapping[str, str], mcp_servers: Mapping[str, Mapping[str, object]] | None = None
    ) -> None:
        values = {value for name, value in env.items() if SECRET_NAME.search(name)}
        for server in (mcp_servers or {}).values():
            values.update(_secrets_of(server))
        lines = {line for value in values for line in (value, *value.splitlines()) if len(line) >= LENGTH_MIN}
        forms = lines | {json.dumps(line)[1:-1] for line in lines}
        # The longest first: a secret may be the beginning of another one.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def redact(self, text: str) -> str:
        return self._pattern.sub(REPLACEMENT, text) if self._pattern else text


def _secrets_of(server: Mapping[str, object]) -> Iterator[str]:
    for field, is_secret in (("env", SECRET_NAME), ("headers", SECRET_HEADER)):
        given = server.get(field)
        if isinstance(given, dict):
            for name, value in given.items():
                if isinstance(value, str) and is_secret.search(str(name)):
                    yield value
                    yield value.rpartition(" ")[2]  # the token in "Bearer TOKEN"
