"""Which hosted repository a git remote's URL names."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

#: Hosts that serve another one's repositories under a second name: GitHub's ssh port for firewalls.
ALIASES = {"ssh.github.com": "github.com", "www.github.com": "github.com"}
DEFAULT_PORTS = {"http": 80, "https": 443}
#: Schemes that git speaks to hosts with (``git help clone``); ``file`` and bare paths name no host.
SCHEMES = frozenset({"https", "http", "ssh", "git", "git+ssh", "ssh+git", "git+https"})

# What GitHub allows in names. Underscores in an owner come with managed enterprise users.
_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SCP = re.compile(r"(?:[^@/:]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>.*)")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


class RemoteRepository(NamedTuple):
    """``host`` is in lower case, with its port where a web address needs one (``forge.example:8443``)."""

    host: str
    owner: str
    name: str

    @property
    def full_name(self) -> str:
        """``owner/name``."""
        return f"{self.owner}/{self.name}"

    @property
    def api_url(self) -> str:
        """Where GitHub serves its REST API for this host: github.com, a subdomain of ghe.com (GitHub
        Enterprise Cloud with data residency), or an Enterprise Server.
        """
        if self.host == "github.com" or self.host.endswith(".ghe.com"):
            return f"https://api.{self.host}"
        return f"https://{self.host}/api/v3"


def parse_remote_url(url: str) -> RemoteRepository | None:
    """The repository that ``url`` names: an https, ssh or git address, or ``user@host:owner/name``.

    None when it names none that a forge could host: a path, a ``file:`` address, more or fewer than two
    path segments, characters that no owner or repository may have. Never raises.
    """
    # urlsplit drops tabs and line breaks in silence, so they are refused before.
    if any(character.isspace() or not character.isprintable() for character in url):
        return None
    place = _split_address(url) if "://" in url else _split_scp(url)
    if place is None:
        return None
    host, path = place
    segments = path.removeprefix("/").removesuffix("/").split("/")
    if len(segments) != 2:
        return None
    owner, name = segments[0], segments[1].removesuffix(".git")
    if not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name) or name in {".", ".."}:
        return None
    return RemoteRepository(ALIASES.get(host, host), owner, name)


def _split_address(url: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is no number, an unclosed bracket
        return None
    if parts.scheme not in SCHEMES or not host or parts.query or parts.fragment:
        return None
    scheme = parts.scheme.removeprefix("git+")
    if ":" in host:
        host = f"[{host}]"
    # The port of ssh and of the git protocol says nothing about where the web and the API are.
    if scheme in DEFAULT_PORTS and port not in {None, DEFAULT_PORTS[scheme]}:
        host = f"{host}:{port}"
    return host, parts.path


def _split_scp(url: str) -> tuple[str, str] | None:
    if _DRIVE.match(url):
        return None
    found = _SCP.fullmatch(url)
    return (found["host"].lower(), found["path"]) if found else None
