"""The outbox: a folder of one JSON file per item. Whoever writes is inside an attempt; whoever reads
trusts nothing: plain files only, bounded in number and size, each validated by itself.
"""

from __future__ import annotations

import json
import os
import stat
import time
from typing import TYPE_CHECKING

from pydantic import ValidationError

from gitbaton.domain.outbox import Collected, Item, collect
from gitbaton.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ITEMS_MAX = 500
ITEM_BYTES_MAX = 256 * 1024


def write_item(outbox: Path, item: Item) -> Path:
    """Hand ``item`` over. Raises ``Refusal`` (``too-large``, ``not-writable``)."""
    text = json.dumps(
        item.model_dump(mode="json", exclude_defaults=True) | {"kind": item.kind}, ensure_ascii=False
    )
    if len(text.encode()) > ITEM_BYTES_MAX:
        raise Refusal(
            "that is more than 256 KiB",
            code="too-large",
            hint="put it into a file of the repository and name that",
        )
    name = f"{time.time_ns():020d}-{item.kind}-{os.urandom(3).hex()}"
    try:
        temporary = outbox / f".{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        final = outbox / f"{name}.item.json"
        temporary.rename(final)
    except OSError as error:
        raise Refusal(
            f"the outbox can't be written: {error.strerror}", code="not-writable", hint="check the disk"
        ) from error
    return final


def read_outbox(outbox: Path, extra: Mapping[str, object] | None = None) -> Collected:
    """Everything handed over, oldest first; ``extra`` are handoff fields that came another way and count
    last. What can't be read is left out and named in ``complaints``.
    """
    items: list[Item] = []
    complaints: list[str] = []
    names = sorted(n for n in os.listdir(outbox) if n.endswith(".item.json"))
    if len(names) > ITEMS_MAX:
        complaints.append(f"only the first {ITEMS_MAX} of {len(names)} items were read")
    for name in names[:ITEMS_MAX]:
        try:
            items.append(Item.model_validate_json(_read_plain(outbox / name)))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            complaints.append(f"an item was refused: {'.'.join(map(str, first['loc']))}: {first['msg']}")
        except (OSError, ValueError) as error:
            complaints.append(f"an item could not be read: {error}")
    if extra:
        try:
            items.append(Item.model_validate({"kind": "context", "handoff": dict(extra)}))
        except ValidationError as error:
            complaints += [
                f"the handoff was refused: {'.'.join(map(str, e['loc'][1:]))}: {e['msg']}"
                for e in error.errors(include_url=False)[:5]
            ]
    return collect(items, complaints)


def _read_plain(path: Path) -> bytes:
    """The bytes of a plain file: no link, no pipe, no more than the limit."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise ValueError("it is not a plain file")
        if info.st_size > ITEM_BYTES_MAX:
            raise ValueError("it is too large")
        return file.read(ITEM_BYTES_MAX + 1)
