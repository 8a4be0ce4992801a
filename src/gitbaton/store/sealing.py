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
    if len(data) > _PIPE:
        return None
    asked, question = os.pipe()
    answer, told = os.pipe()
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.write(question, data)
        actions = [
            (os.POSIX_SPAWN_DUP2, asked, 0), (os.POSIX_SPAWN_DUP2, told, 1), (os.POSIX_SPAWN_DUP2, nothing, 2),
        ]  # fmt: skip
        command = [COMMAND[0], "-C", top, *COMMAND[1:], *args]
        try:
            process = os.posix_spawnp(command[0], command, seal(os.environ, overrides), file_actions=actions)
        except OSError:
            return None
        finally:
            for end in (asked, question, told, nothing):
                os.close(end)
        parts = []
        while part := os.read(answer, 1 << 16):
            parts.append(part)
        _, status = os.waitpid(process, 0)
    finally:
        os.close(answer)
    return b"".join(parts) if status == 0 else None
