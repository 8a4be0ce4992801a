"""The outbox, read as somebody who trusts nothing that an agent leaves."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.handoff import Handoff
from gitbaton.domain.outbox import TEXT_MAX, AgentHandoff, Item, ProposedTask
from gitbaton.errors import Refusal
from gitbaton.store.documents import parse_document
from gitbaton.store.outbox import ITEM_BYTES_MAX, ITEMS_MAX, read_outbox, write_item
from gitbaton.usecases.handoffs import render_handoff

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.domain.outbox import Collected

SECRET = "sk-ant-0123456789abcdef"


def leave(outbox: Path, content: object, name: str = "1") -> Path:
    """An item as an agent might write it by hand: text as it is, anything else as JSON."""
    path = outbox / f"{name}.item.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def keep(collected: Collected) -> Handoff:
    """What was collected, written to a handoff file and read back."""
    handoff = Handoff.model_validate(collected.handoff.model_dump(mode="json", exclude_defaults=True))
    return parse_document(render_handoff(handoff, "tasks/handoffs/a/b.yaml"), "b.yaml", Handoff, "handoff")


def test_what_is_written_is_read_in_order(tmp_path: Path) -> None:
    write_item(tmp_path, Item(kind="note", text="first"))
    write_item(tmp_path, Item(kind="context", handoff=AgentHandoff(summary="Half.", remaining=("a", "b"))))
    write_item(tmp_path, Item(kind="task", task=ProposedTask(title="More", id="more")))
    write_item(tmp_path, Item(kind="question", text="Which?"))
    write_item(
        tmp_path,
        Item(kind="complete", handoff=AgentHandoff(summary="All.", remaining=("b", "c")), result={"n": 0}),
    )
    collected = read_outbox(tmp_path)
    assert collected.handoff == AgentHandoff(
        summary="All.", remaining=("a", "b", "c"), questions=("Which?",), data={"notes": ["first"]}
    )
    assert (collected.question, collected.result, collected.complaints) == ("Which?", {"n": 0}, ())
    assert [t.title for t in collected.tasks] == ["More"]


def test_what_came_another_way_counts_too(tmp_path: Path) -> None:
    write_item(tmp_path, Item(kind="context", handoff=AgentHandoff(summary="Mine.")))
    collected = read_outbox(tmp_path, {"summary": "Theirs.", "completed": ["x"]}, {"n": 1})
    assert (collected.handoff.summary, collected.handoff.completed, collected.result) == (
        "Theirs.",
        ("x",),
        {"n": 1},
    )
    write_item(tmp_path, Item(kind="complete", result={"n": 2}))
    assert read_outbox(tmp_path, None, {"n": 1}).result == {"n": 2}


def test_one_wrong_field_does_not_cost_the_others(tmp_path: Path) -> None:
    collected = read_outbox(
        tmp_path, {"summary": "Good.", "titel": "?", "completed": "no list", "next_action": "dance"}
    )
    assert collected.handoff == AgentHandoff(summary="Good.")
    assert len(collected.complaints) == 3
    assert "handoff.titel" in collected.complaints[-1] + collected.complaints[0] + collected.complaints[1]


# -- what is no item -----------------------------------------------------------------------------------------


def test_links_pipes_sockets_and_folders_are_not_followed_or_waited_for(tmp_path: Path) -> None:
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    elsewhere = leave(tmp_path, {"kind": "note", "text": "not for you"}, "elsewhere")
    (outbox / "1.item.json").symlink_to(elsewhere)
    (outbox / "2.item.json").symlink_to("/dev/zero")
    (outbox / "3.item.json").symlink_to("nowhere")
    os.mkfifo(outbox / "4.item.json")
    (outbox / "5.item.json").mkdir()
    here = os.getcwd()  # noqa: PTH109 - the address of a socket must be short
    os.chdir(outbox)
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.bind("6.item.json")
    finally:
        os.chdir(here)
    leave(outbox, {"kind": "note", "text": "mine"}, "7")
    collected = read_outbox(outbox)
    assert collected.handoff.data == {"notes": ["mine"]}
    assert len(collected.complaints) == 6


@pytest.mark.parametrize("kind", ["link", "file", "nothing"])
def test_an_outbox_that_is_none_is_a_complaint(tmp_path: Path, kind: str) -> None:
    outbox = tmp_path / "outbox"
    other = tmp_path / "other"
    other.mkdir()
    leave(other, {"kind": "note", "text": "not for you"})
    if kind == "link":
        outbox.symlink_to(other)
    elif kind == "file":
        outbox.write_text("x")
    collected = read_outbox(outbox, {"summary": "Still here."})
    assert collected.handoff == AgentHandoff(summary="Still here.")
    assert collected.complaints[0].startswith("the outbox can't be opened: ")


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "null", "[]", "7", '"text"', '{"kind": "note"', '{"kind": "nonsense"}', '{"kind": "note", "text": 1, "x": 2}',
        '{"kind": "note", "percent": 101}', '{"kind": "note", "text": NaN}', '{"kind": "complete", "result": 1e999}',
        '{"kind": "complete", "result": ' + "9" * 5000 + "}", "[" * 100_000, '{"a":' * 50_000,
        '{"kind": "complete", "result": ' + "[" * 40 + "]" * 40 + "}", "\ufeff{}", '{"kind": "task"', '{"kind": "task", "task": {}}',
        '{"kind": "task", "task": {"title": "x", "id": "../../etc/passwd"}}', '{"kind": "task", "task": {"title": "x", "status": "done"}}',
        '{"kind": "task", "task": {"title": "x", "paths": ' + json.dumps(["p"] * 101) + "}}",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_complaint_and_nothing_else(tmp_path: Path, content: str) -> None:
    leave(tmp_path, content)
    leave(tmp_path, {"kind": "note", "text": "fine"}, "2")
    collected = read_outbox(tmp_path)
    assert collected.handoff == AgentHandoff(data={"notes": ["fine"]})
    assert collected._replace(handoff=AgentHandoff(), complaints=()) == read_outbox(
        tmp_path / "none"
    )._replace(complaints=())
    assert len(collected.complaints) == 1
    assert len(collected.complaints[0]) <= 300


def test_bytes_that_are_no_text_are_a_complaint(tmp_path: Path) -> None:
    (tmp_path / "1.item.json").write_bytes(b'{"kind": "note", "text": "\xff\xfe"}')
    (tmp_path / os.fsdecode(b"\xff.item.json")).write_bytes(b"{}")
    assert len(read_outbox(tmp_path).complaints) == 2


def test_complaints_cannot_paint_the_terminal(tmp_path: Path) -> None:
    leave(tmp_path, {"kind": "note", "\x1b[31mred\x07\nline\u202e" + "y" * 5000: 1})
    (complaint,) = read_outbox(tmp_path).complaints
    assert complaint.isprintable()
    assert complaint.startswith("refused: red lineyyy")
    assert len(complaint) <= 300


# -- too much ------------------------------------------------------------------------------------------------


def test_one_item_has_a_largest_size(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="more than 256 KiB"):
        write_item(tmp_path, Item(kind="note", text="x" * ITEM_BYTES_MAX))
    assert list(tmp_path.iterdir()) == []
    leave(tmp_path, {"kind": "note", "text": "x" * ITEM_BYTES_MAX})
    assert read_outbox(tmp_path).complaints == ("an item could not be read: it is too large",)


def test_the_newest_items_count_when_there_are_too_many(tmp_path: Path) -> None:
    for n in range(ITEMS_MAX):
        leave(tmp_path, {"kind": "note", "text": f"n{n}"}, f"{n:05}")
    with pytest.raises(Refusal, match="the outbox is full"):
        write_item(tmp_path, Item(kind="note", text="one more"))
    leave(tmp_path, {"kind": "complete", "handoff": {"summary": "Done."}}, "99999")
    collected = read_outbox(tmp_path)
    assert collected.handoff.summary == "Done."
    assert collected.handoff.data["notes"][0] == "n1"
    assert collected.complaints == (f"only the newest {ITEMS_MAX} of {ITEMS_MAX + 1} items were read",)


def test_ten_thousand_files_take_no_time(tmp_path: Path) -> None:
    for n in range(10_001):
        (tmp_path / f"{n}.item.json").touch()
    started = time.monotonic()
    collected = read_outbox(tmp_path)
    assert time.monotonic() - started < 10
    assert "the outbox holds more than 10,000 files" in collected.complaints[0]
    assert len(collected.complaints) == 21
    assert collected.complaints[-1] == "and 482 more"


def test_all_items_together_have_a_largest_size(tmp_path: Path) -> None:
    for n in range(40):
        leave(tmp_path, {"kind": "note", "text": "x" * 250_000}, f"{n:02}")
    collected = read_outbox(tmp_path)
    assert "the items take more than 8 MiB; the rest was not read" in collected.complaints
    assert len(keep(collected).data["notes"]) == 3


def test_lists_data_and_notes_are_folded_below_the_limits_of_a_handoff(tmp_path: Path) -> None:
    started = time.monotonic()
    for n in range(30):
        entries = [f"{n}-{k} {'€' * 20}" for k in range(500)]
        data = {f"k{n}-{k}": "ü" * 50 for k in range(100)}
        leave(
            tmp_path,
            {"kind": "context", "handoff": {"completed": entries, "decisions": entries, "data": data}},
            f"a{n:02}",
        )
        leave(tmp_path, {"kind": "note", "text": f"note {n} " + "ß" * 2000}, f"b{n:02}")
    leave(
        tmp_path, {"kind": "context", "handoff": {"summary": "s" * 100_000, "guidance": "g\n" * 40_000}}, "c"
    )
    collected = read_outbox(tmp_path)
    assert time.monotonic() - started < 30
    kept = keep(collected)
    assert 100 < len(kept.completed) < 500
    assert kept.completed[0].startswith("0-0 ")
    assert len(kept.summary or "") == TEXT_MAX
    assert kept.data["notes"][-1].startswith("note 29 ")
    assert "data was left out: it is too large" in collected.complaints
    assert f"summary was cut to {TEXT_MAX:,} characters" in collected.complaints
    assert any(
        c.startswith("only the newest ") and c.endswith(" of 30 notes were kept")
        for c in collected.complaints
    )


def deep_result(depth: int, width: int) -> Any:
    value: Any = list(range(width))
    for _ in range(depth - 1):
        value = [value]
    return value


def test_a_result_that_would_outgrow_its_file_is_named(tmp_path: Path) -> None:
    leave(tmp_path, {"kind": "complete", "result": deep_result(28, 5000)})
    collected = read_outbox(tmp_path)
    assert (collected.result, collected.result_problem) == (None, "it takes more than 256 KiB")
    leave(tmp_path, {"kind": "complete", "result": deep_result(28, 50)})
    collected = read_outbox(tmp_path)
    assert (collected.result, collected.result_problem) == (deep_result(28, 50), None)
    whole = Handoff.model_validate({"result": collected.result, "data": {"notes": ["n"]}})
    assert parse_document(render_handoff(whole, "x"), "x", Handoff, "handoff") == whole


def test_only_so_many_tasks_are_proposed(tmp_path: Path) -> None:
    for n in range(60):
        leave(tmp_path, {"kind": "task", "task": {"title": f"T{n}"}}, f"{n:02}")
    collected = read_outbox(tmp_path)
    assert len(collected.tasks) == 50
    assert collected.complaints == ("only the first 50 of 60 proposed tasks were kept",)


# -- text ----------------------------------------------------------------------------------------------------


def test_text_that_no_file_can_hold_is_cleaned(tmp_path: Path) -> None:
    nasty = "a\\u0000b\\ud83dc\\u001b[31md\\u202ee\\r\\nf\\u0085g"
    leave(
        tmp_path,
        f'{{"kind": "complete", "handoff": {{"summary": "{nasty}", "decisions": ["{nasty}"], "data": {{"{nasty}": ["{nasty}"]}}}},'
        f' "result": {{"x": "{nasty}"}}}}',
    )
    leave(tmp_path, f'{{"kind": "question", "text": "{nasty}"}}', "2")
    leave(tmp_path, f'{{"kind": "task", "task": {{"title": "{nasty}", "description": "{nasty}"}}}}', "3")
    collected = read_outbox(tmp_path)
    clean = "abcde\nfg"
    assert collected.complaints == ()
    kept = keep(collected)
    assert (kept.summary, kept.decisions[0].decision, kept.data, kept.questions) == (
        clean,
        clean,
        {clean: [clean]},
        (clean,),
    )
    assert (collected.question, collected.result) == (clean, {"x": clean})
    assert (collected.tasks[0].title, collected.tasks[0].description) == ("abcde fg", clean)


def test_what_is_written_can_be_read_whatever_its_text(tmp_path: Path) -> None:
    write_item(tmp_path, Item(kind="note", text="x\ud83d\x00y"))
    assert read_outbox(tmp_path).handoff.data == {"notes": ["xy"]}


def test_secrets_are_blacked_out_everywhere(tmp_path: Path) -> None:
    coded = base64.b64encode(f"key={SECRET}".encode()).decode()
    for n, item in enumerate(
        [
            {
                "kind": "complete",
                "handoff": {"summary": f"Used {SECRET}.", "data": {SECRET: [coded]}},
                "result": {"key": SECRET},
            },
            {"kind": "question", "text": f"Is {SECRET} right?"},
            {"kind": "note", "text": f"it is {SECRET[::-1]} backwards"},
            {"kind": "task", "task": {"title": f"Rotate {SECRET}", "labels": [SECRET]}},
            {"kind": "context", "handoff": {SECRET: 1}},
        ]
    ):
        leave(tmp_path, item, str(n))
    collected = read_outbox(tmp_path, {"guidance": SECRET}, None, {"MODEL_KEY": SECRET, "SHORT": "on"})
    said = repr(collected)
    assert SECRET not in said
    assert SECRET[::-1] not in said
    assert coded not in said
    assert collected.handoff.summary == "Used [MODEL_KEY removed]."
    assert collected.question == "Is [MODEL_KEY removed] right?"
    assert collected.result == {"key": "[MODEL_KEY removed]"}


def test_too_deep_is_refused_where_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="nested more than 32 levels"):
        write_item(tmp_path, Item(kind="complete", result=deep_result(40, 1)))
    assert list(tmp_path.iterdir()) == []


def test_an_outbox_that_is_gone_is_said_to_the_writer(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="the outbox can't be written: No such file") as caught:
        write_item(tmp_path / "gone", Item(kind="note", text="x"))
    assert caught.value.code == "not-writable"
