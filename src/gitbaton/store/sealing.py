"""How git is called: sealed from the environment and from hooks. And git called without much ado, for the few
questions on which a quick answer hangs; it loads no module that Python hasn't loaded at its start.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Variables that redirect git to another repository, index, object store or configuration, or change how it
#: parses. Identity (GIT_AUTHOR_*, GIT_COMMITTER_*), transport (GIT_SSH*, GIT_ASKPASS, GIT_PROXY*), limits of
#: discovery and configuration given by the person (GIT_CONFIG_COUNT, GIT_CONFIG_GLOBAL) stay.
REDIRECTING = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS", "GIT_REFLOG_ACTION",
    "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_REPLACE_REF_BASE", "GIT_NO_REPLACE_OBJECTS",
    "GIT_DEFAULT_HASH", "GIT_IMPLICIT_WORK_TREE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_ATTR_SOURCE",
)  # fmt: skip
#: No hook and no monitor of the repository runs, no background clean-up starts, and messages are UTF-8.
COMMAND = (
    "git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0", "-c", "maintenance.auto=false",
    "-c", "i18n.commitEncoding=UTF-8",
)  # fmt: skip
#: What a pipe takes at once on every system.
_PIPE = 4096


def seal(environment: Mapping[str, str], overrides: Mapping[str, str]) -> dict[str, str]:
    """The environment that git runs in."""
    env = {k: v for k, v in environment.items() if k not in REDIRECTING and not _traces_to_stderr(k, v)}
    env.update(LC_ALL="C", GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0", GIT_EDITOR="false")
    env.update(GIT_NO_LAZY_FETCH="0", GIT_HTTP_LOW_SPEED_LIMIT="1", GIT_HTTP_LOW_SPEED_TIME="60")
    env.update(overrides)
    return env


def _traces_to_stderr(name: str, value: str) -> bool:
    """Traces among git's messages would be taken for them; those that go to a file stay."""
    return name == "GIT_CURL_VERBOSE" or (name.startswith("GIT_TRACE") and not value.startswith("/"))


def ask_git(top: str, args: Sequence[str], data: bytes = b"", **overrides: str) -> bytes | None:
    """Stdout of ``git ARGS`` in ``top``; None when git says no, or when ``data`` is long."""
    code, out = _run_git(top, args, data, overrides) if len(data) <= _PIPE else (-1, b"")
    return out if code == 0 else None


def ask_whether(top: str, args: Sequence[str]) -> bool | None:
    """Whether ``git ARGS`` says yes; None where it could not answer."""
    code, _ = _run_git(top, args, b"", {})
    return None if code < 0 else code == 0


def _run_git(top: str, args: Sequence[str], data: bytes, overrides: Mapping[str, str]) -> tuple[int, bytes]:
    """Exit code (below 0: it was killed, or did not start) and stdout."""
    asked, question = os.pipe()
    answer, told = os.pipe()
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        try:
            os.write(question, data)
            actions = [
                (os.POSIX_SPAWN_DUP2, asked, 0), (os.POSIX_SPAWN_DUP2, told, 1), (os.POSIX_SPAWN_DUP2, nothing, 2),
            ]  # fmt: skip
            command = [COMMAND[0], "-C", top, *COMMAND[1:], *args]
            process = os.posix_spawnp(command[0], command, seal(os.environ, overrides), file_actions=actions)
        except OSError:
            return -1, b""
        finally:
            for end in (asked, question, told, nothing):
                os.close(end)
        parts = []
        while part := os.read(answer, 1 << 16):
            parts.append(part)
        _, status = os.waitpid(process, 0)
    finally:
        os.close(answer)
    return os.waitstatus_to_exitcode(status), b"".join(parts)


def read_blobs(top: str, names: Sequence[str]) -> list[bytes | None] | None:
    """As ``git.read_objects``; None where that can't be had quickly."""
    if not names:
        return []
    asked = [name.encode("utf-8", "surrogateescape") for name in names]
    out = ask_git(top, ("cat-file", "--batch", "--buffer", "-z"), b"".join(name + b"\0" for name in asked))
    return None if out is None else split_batch(asked, out)


def split_batch(asked: Sequence[bytes], out: bytes) -> list[bytes | None]:
    """The contents that ``cat-file --batch`` printed for the names ``asked``; None where there is no file."""
    return [found[2] if found and found[1] == b"blob" else None for found in split_objects(asked, out)]


def split_objects(asked: Sequence[bytes], out: bytes) -> list[tuple[str, bytes, bytes] | None]:
    """(id, kind, content) of what ``cat-file --batch`` printed for the names ``asked``; None where there is nothing."""
    found: list[tuple[str, bytes, bytes] | None] = []
    at = 0
    for name in asked:
        if out.startswith(missing := name + b" missing\n", at):  # the name may hold a line break
            found.append(None)
            at += len(missing)
            continue
        end = out.index(b"\n", at)
        oid, kind, size = out[at:end].split(b" ")
        found.append((oid.decode(), kind, out[end + 1 : end + 1 + int(size)]))
        at = end + int(size) + 2
    return found
