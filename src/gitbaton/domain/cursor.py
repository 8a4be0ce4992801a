"""A place in the history of tasks that one can come back to: the base commit, and where each live state stood.

Theory of operation. Base is one commit. The live states are many chains that only grow, one for each task; a list of
all their tips would be as long as the project is old. So a cursor names the tips that moved lately (``recent``), and of
all others says that nothing newer than ``horizon`` was seen. Whoever has the chains finds every tip from that again, in
any clone; ``digest`` proves that they are the right ones. Where they aren't (an event arrived much later than its time
says, a ref was deleted) the cursor is refused: nothing is lost or told twice in silence.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FORMAT = 1
_PREFIX = "c"
#: Tips younger than this, seen from the newest, are named: clocks of those who write them differ a little.
RECENT_S = 600
#: More than this are not named, unless they are of one second.
_RECENT_MAX = 48
_SHORT = 8
_LONGEST = 100_000


class Cursor(NamedTuple):
    """See above. ``recent`` are the beginnings of object ids; ``horizon`` is in seconds since the epoch."""

    base: str | None
    horizon: int
    recent: frozenset[str]
    digest: int


def make_cursor(base: str | None, tips: Mapping[str, float | None]) -> Cursor:
    """The cursor for ``tips``: object id → time of its event (None: nobody can tell)."""
    times = sorted((int(at) for at in tips.values() if at is not None), reverse=True)
    horizon = times[0] - RECENT_S if times else 0
    if sum(at > horizon for at in times) > _RECENT_MAX:
        horizon = min(times[_RECENT_MAX], times[0] - 1)
    recent = frozenset(oid[:_SHORT] for oid, at in tips.items() if at is None or int(at) > horizon)
    return Cursor(base, max(0, horizon), recent, digest_tips(tips))


def digest_tips(oids: Iterable[str]) -> int:
    """A sum over object ids, in whatever order."""
    return sum(int.from_bytes(hashlib.sha256(oid.encode()).digest()[:8]) for oid in oids) % 2**64


def find_position(cursor: Cursor, chain: Sequence[tuple[str, float | None]]) -> int | None:
    """Where in ``chain`` ((object id, time of its event), newest first) the cursor stood; None: before all of it. It
    is enough to give the chain down to the first that is no younger than ``horizon``.
    """
    for place, (oid, _) in enumerate(chain):
        if oid[:_SHORT] in cursor.recent:
            return place
    return next((n for n, (_, at) in enumerate(chain) if at is not None and int(at) <= cursor.horizon), None)


def render_cursor(cursor: Cursor) -> str:
    """The cursor as one word."""
    base = bytes.fromhex(cursor.base or "")
    recent = b"".join(bytes.fromhex(short) for short in sorted(cursor.recent))
    body = bytes([_FORMAT, len(base)]) + base + cursor.horizon.to_bytes(5) + cursor.digest.to_bytes(8) + recent  # fmt: skip
    data = body + zlib.crc32(body).to_bytes(4)
    return _PREFIX + base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parse_cursor(text: str) -> Cursor:
    """The cursor of ``render_cursor``. Raises ``Refusal`` (``bad-cursor``) for any other word."""
    try:
        found = _decode(text.strip())
    except (ValueError, IndexError, binascii.Error):
        found = None
    if found is None:
        raise Refusal(
            "that is no cursor, or not all of it", code="bad-cursor", hint="get one with: baton changes"
        )
    return found


def _decode(word: str) -> Cursor | None:
    if not word.startswith(_PREFIX) or len(word) > _LONGEST:
        return None
    data = base64.b64decode(word[1:] + "=" * (-len(word[1:]) % 4), altchars=b"-_", validate=True)
    body, check = data[:-4], data[-4:]
    if zlib.crc32(body).to_bytes(4) != check or body[0] != _FORMAT:
        return None
    base, rest = body[2 : 2 + body[1]].hex(), body[2 + body[1] :]
    recent = frozenset(rest[n : n + 4].hex() for n in range(13, len(rest), 4))
    return Cursor(base or None, int.from_bytes(rest[:5]), recent, int.from_bytes(rest[5:13]))
