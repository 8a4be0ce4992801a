"""What an agent's change may not contain, and secrets taken out of its words. Pure."""

from __future__ import annotations

import base64
import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from gitbaton.domain.scope import is_matched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gitbaton.domain.config import Guards

#: Files that steer people's tools, reviews or agents: an agent changes them only where config allows it.
PROTECTED = (
    "tasks/**", ".github/**", "**/CODEOWNERS", "CODEOWNERS", "**/.gitattributes", ".gitattributes", "**/.gitmodules",
    ".gitmodules", "**/.claude/**", ".claude/**", "**/.mcp.json", ".mcp.json", "**/CLAUDE.md", "CLAUDE.md",
    "**/CLAUDE.local.md", "**/AGENTS.md", "AGENTS.md",
)  # fmt: skip
_SYMLINK, _GITLINK = "120000", "160000"
#: Shorter values are found everywhere by accident.
_SECRET_MIN = 8


class ChangedFile(NamedTuple):
    """One path that differs. ``mode`` is the new git mode (``000000`` = deleted), ``old_mode`` the old one;
    ``data`` the new bytes (a link's target; None for deletions, submodules, what is too large to be read
    and what git can't hold).
    """

    path: str
    mode: str
    old_mode: str
    size: int
    data: bytes | None


class Finding(NamedTuple):
    """One reason to refuse: ``kind`` is ``scope`` for the task's own paths, ``guard`` for everything else."""

    kind: str
    path: str
    message: str


def judge_change(
    files: Sequence[ChangedFile],
    *,
    paths: Sequence[str],
    guards: Guards,
    secrets: Mapping[str, str],
) -> list[Finding]:
    """Everything that speaks against ``files``. ``paths`` are the task's globs (empty = any);
    ``secrets`` maps a name to the value that must not appear, plain or encoded.
    """
    found: list[Finding] = []
    needles = [(name, form) for name, value in secrets.items() for form in encode_forms(value)]
    for file in files:
        found += _judge_file(file, guards, needles)
        if paths and not is_matched(file.path, paths):
            found.append(
                Finding("scope", file.path, f"{file.path} is outside the task's paths ({', '.join(paths)})")
            )
    if len(files) > guards.max_files:
        found.append(
            Finding(
                "guard", "", f"{len(files)} files changed, more than guards.max_files ({guards.max_files})"
            )
        )
    total = sum(f.size for f in files)
    if total > guards.max_total_bytes:
        found.append(
            Finding(
                "guard",
                "",
                f"{total:,} bytes changed, more than guards.max_total_bytes ({guards.max_total_bytes:,})",
            )
        )
    else:
        for file in files:
            if file.data is None and file.mode.startswith("100") and file.size <= guards.max_file_bytes:
                found.append(Finding("guard", file.path, f"{file.path} can't be held by git"))
    return found


def _judge_file(file: ChangedFile, guards: Guards, needles: Iterable[tuple[str, bytes]]) -> list[Finding]:
    found = []
    if is_matched(file.path.casefold(), [p.casefold() for p in PROTECTED]) and not is_matched(
        file.path, guards.allow
    ):
        found.append(
            Finding(
                "guard",
                file.path,
                f"{file.path} is protected; allow it with guards.allow in tasks/config.yaml",
            )
        )
    if _GITLINK in (file.mode, file.old_mode):
        found.append(
            Finding("guard", file.path, f"{file.path} is a submodule or a repository inside the repository")
        )
    if file.mode == _SYMLINK and file.data is not None and _leaves(file.path, file.data):
        found.append(Finding("guard", file.path, f"{file.path} is a link that leads out of the repository"))
    if file.size > guards.max_file_bytes:
        found.append(
            Finding(
                "guard",
                file.path,
                f"{file.path} has {file.size:,} bytes, more than guards.max_file_bytes ({guards.max_file_bytes:,})",
            )
        )
    name_bytes = file.path.encode("utf-8", "surrogateescape")
    for name, form in needles:
        if form in (file.data or b"") or form in name_bytes:
            found.append(Finding("guard", file.path, f"{file.path} contains the secret {name}"))
            break
    return found


def _leaves(path: str, target: bytes) -> bool:
    text = target.decode("utf-8", "surrogateescape")
    if text.startswith(("/", "\\")) or (len(text) > 1 and text[1] == ":"):
        return True
    end = posixpath.normpath(posixpath.join(posixpath.dirname(path), text.replace("\\", "/")))
    return end.startswith(("../", ".git/")) or end in ("..", ".git")


def encode_forms(value: str) -> list[bytes]:
    """A secret as it is, reversed, in hex, URL-encoded, and in base64 at each of the three alignments (so
    that it is found inside longer encoded text). Values under eight characters give none.
    """
    if len(value) < _SECRET_MIN:
        return []
    raw = value.encode()
    forms = [raw, raw[::-1], raw.hex().encode(), raw.hex().upper().encode(), quote(value, safe="").encode()]
    for shift in range(3):
        # The characters that depend on the neighbouring bytes are cut off at both ends.
        coded = base64.b64encode(b"\0" * shift + raw)
        start = (0, 2, 3)[shift]
        end = len(coded) - (0, 3, 2)[(len(raw) + shift) % 3]
        forms += (coded[start:end], coded[start:end].translate(bytes.maketrans(b"+/", b"-_")))
    return [form for form in dict.fromkeys(forms) if len(form) >= _SECRET_MIN]


def redact(value: Any, secrets: Mapping[str, str]) -> Any:
    """``value`` (as JSON has it) with every form of every secret replaced by the secret's name."""
    forms = [
        (name, f.decode("utf-8", "replace")) for name, secret in secrets.items() for f in encode_forms(secret)
    ]
    return _redact(value, forms) if forms else value


def _redact(value: Any, forms: Sequence[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        if len(value) >= _SECRET_MIN:
            for name, form in forms:
                value = value.replace(form, f"[{name} removed]")
        return value
    if isinstance(value, dict):
        return {_redact(key, forms): _redact(item, forms) for key, item in value.items()}
    return [_redact(item, forms) for item in value] if isinstance(value, list | tuple) else value
