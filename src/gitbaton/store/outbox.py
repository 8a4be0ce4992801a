"""The outbox: a folder of one JSON file per item. Whoever writes is inside an attempt; whoever reads
trusts nothing: plain files only, bounded in number and size, each validated by itself.
"""

from __future__ import annotations

import json
import math
import os
import stat
import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

from gitbaton.domain.guards import redact
from gitbaton.domain.outbox import DEPTH_MAX, RESULT_BYTES_MAX, Collected, Item, collect
from gitbaton.domain.wording import clean_value, is_deeper, measure_block, shorten_to_line
from gitbaton.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ITEMS_MAX = 500
ITEM_BYTES_MAX = 256 * 1024
#: All items together, and how many names of any kind are looked at.
OUTBOX_BYTES_MAX = 8 * 1024 * 1024
NAMES_MAX = 10_000
_ENDING = ".item.json"
_COMPLAINTS_MAX = 20


def write_item(outbox: Path, item: Item) -> Path:
    """Hand ``item`` over. Raises ``Refusal`` (``too-large``, ``too-deep``, ``too-many``, ``not-writable``)."""
    value = item.model_dump(mode="json", exclude_defaults=True) | {"kind": item.kind}
    if is_deeper(value, DEPTH_MAX):
        raise Refusal(
            f"that is nested more than {DEPTH_MAX} levels deep", code="too-deep", hint="say it more simply"
        )
    data = json.dumps(clean_value(value), ensure_ascii=False).encode()
    if len(data) > ITEM_BYTES_MAX:
        raise Refusal(
            f"that is more than {ITEM_BYTES_MAX // 1024} KiB",
            code="too-large",
            hint="put it into a file of the repository and name that",
        )
    name = f"{time.time_ns():020d}-{item.kind}-{os.urandom(3).hex()}"
    try:
        if sum(n.endswith(_ENDING) for n in os.listdir(outbox)) >= ITEMS_MAX:
            raise Refusal("the outbox is full", code="too-many", hint="end the attempt with complete_task")
        temporary = outbox / f".{name}.tmp"
        temporary.write_bytes(data)
        final = outbox / f"{name}{_ENDING}"
        temporary.rename(final)
    except OSError as error:
        raise Refusal(
            f"the outbox can't be written: {error.strerror}", code="not-writable", hint="check the disk"
        ) from error
    return final


def read_outbox(
    outbox: Path,
    extra: Mapping[str, object] | None = None,
    result: object = None,
    secrets: Mapping[str, str] | None = None,
) -> Collected:
    """Everything handed over, oldest first. ``extra`` are handoff fields and ``result`` a structured result that
    came another way: the handoff counts last, the result only where no item has one. ``secrets`` (name →
    value) are blacked out. What can't be read is left out and named in ``complaints``. Never raises for what
    an agent left.
    """
    complaints: list[str] = []
    values: list[object] = [{"kind": "context", "result": result}] if result is not None else []
    values += _read_values(outbox, complaints)
    if extra:
        values.append({"kind": "context", "handoff": dict(extra)})
    items = [item for value in values if (item := _take_item(value, complaints, secrets or {}))]
    rest = len(complaints) - _COMPLAINTS_MAX
    if rest > 0:
        complaints[_COMPLAINTS_MAX:] = [f"and {rest} more"]
    return collect(items, [shorten_to_line(c, 300) for c in complaints])


def read_result(outbox: Path, result: object = None) -> tuple[object, list[str]]:
    """The structured result that was handed over last, just as it was: neither cleaned nor redacted, for whoever judges
    it whole; and what could not be read. ``result`` came another way and counts where no item has one. A result that is
    nested too deeply or takes too much room is named and not returned. Never raises for what an agent left.
    """
    complaints: list[str] = []
    last = result
    for value in _read_values(outbox, complaints):
        if isinstance(value, dict) and value.get("result") is not None:
            last = value["result"]
    if last is not None and is_deeper(last, DEPTH_MAX):
        return None, [*complaints, f"the result is nested more than {DEPTH_MAX} levels deep"]
    if last is not None and measure_block(last) > RESULT_BYTES_MAX:
        return None, [*complaints, f"the result takes more than {RESULT_BYTES_MAX // 1024} KiB"]
    return last, complaints


def empty_outbox(outbox: Path) -> None:
    """Take away every item, so that what is handed over next is told from what was. Never raises for what an agent
    left.
    """
    with suppress(OSError):
        folder = os.open(outbox, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with os.scandir(folder) as entries:
                names = [e.name for e in entries if e.name.endswith(_ENDING)]
            for name in names:
                with suppress(OSError):
                    os.unlink(name, dir_fd=folder)
        finally:
            os.close(folder)


def _read_values(outbox: Path, complaints: list[str]) -> Iterator[object]:
    """The JSON of every item. The folder is opened once, so that nothing in its place is followed later."""
    try:
        folder = os.open(outbox, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        complaints.append(f"the outbox can't be opened: {error.strerror}")
        return
    try:
        with os.scandir(folder) as entries:
            seen = [e.name for e in islice(entries, NAMES_MAX + 1)]
        if len(seen) > NAMES_MAX:
            complaints.append(
                f"the outbox holds more than {NAMES_MAX:,} files; the others were not looked at"
            )
        names = sorted(n for n in seen[:NAMES_MAX] if n.endswith(_ENDING))
        if len(names) > ITEMS_MAX:
            complaints.append(f"only the newest {ITEMS_MAX} of {len(names)} items were read")
        room = OUTBOX_BYTES_MAX
        for name in names[-ITEMS_MAX:]:
            try:
                data = _read_plain(folder, name)
                room -= len(data)
                if room < 0:
                    complaints.append(
                        f"the items take more than {OUTBOX_BYTES_MAX >> 20} MiB; the rest was not read"
                    )
                    return
                yield json.loads(data, parse_constant=_refuse_number, parse_float=_parse_float)
            except (OSError, ValueError, RecursionError) as error:
                complaints.append(f"an item could not be read: {error}")
    finally:
        os.close(folder)


def _read_plain(folder: int, name: str) -> bytes:
    """The bytes of a plain file: no link, no pipe, no more than the limit."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a plain file")
        data = file.read(ITEM_BYTES_MAX + 1)
    if len(data) > ITEM_BYTES_MAX:
        raise ValueError("it is too large")
    return data


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number that JSON knows")


def _parse_float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _take_item(value: object, complaints: list[str], secrets: Mapping[str, str]) -> Item | None:
    """The item that ``value`` says, without the fields of its handoff that don't fit."""
    if is_deeper(value, DEPTH_MAX):
        complaints.append(f"an item was refused: nested more than {DEPTH_MAX} levels deep")
        return None
    clean: Any = redact(clean_value(value), secrets)
    try:
        return Item.model_validate(clean)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    wrong = {str(e["loc"][1]) for e in found if e["loc"][:1] == ("handoff",) and len(e["loc"]) > 1}
    complaints += [f"refused: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found]
    if not wrong:
        return None
    kept = {k: v for k, v in clean["handoff"].items() if k not in wrong}
    try:
        return Item.model_validate({**clean, "handoff": kept})
    except ValidationError:
        return None  # something besides the handoff is wrong too; it has been named
