"""A task with a long history, as it might have been: an import that took many attempts, people who spoke in between, and
handoffs of what it builds on. Twenty handoffs in all.
"""

from __future__ import annotations

from typing import Any

from gitbaton.domain.handoff import Handoff
from gitbaton.domain.state import Attempt

TASK = "import-orders"

#: outcome, message, what a person had said to it, the author's handoff.
_TRIED: list[tuple[str, str, tuple[str, ...], dict[str, Any]]] = [
    ("checks_failed", "tests did not pass", (), {
        "summary": "Wrote the reader for the old shop's CSV export. Prices come with a comma, which the reader takes for two columns.",
        "remaining": ["prices with a comma", "orders without a customer"],
        "decisions": [{"decision": "read the export with the csv module", "reason": "it has quoted line breaks"}],
        "files_modified": ["shop/importer.py", "tests/test_importer.py"],
        "checks": [{"name": "tests", "passed": False, "exit_code": 1, "output": "E   ValueError: '12,50'\n1 failed, 3 passed"}],
    }),
    ("needs_input", "asked: Which currency do orders from before 2019 have?", (), {
        "summary": "Prices are read as decimals. Old orders carry no currency.",
        "questions": ["Which currency do orders from before 2019 have?"],
        "decisions": [{"decision": "prices are decimals, never floats"}],
    }),
    ("timeout", "the time limit was reached", ("Everything before 2019 is in euros.",), {
        "summary": "Euros are filled in. The whole export takes longer than the time there is.",
        "remaining": ["speed: 40,000 orders take an hour"], "next_steps": ["write in batches"],
    }),
    ("checks_failed", "tests did not pass", (), {
        "summary": "Orders are written in batches of 500; a batch that fails is lost whole.",
        "decisions": [{"decision": "batches of 500 orders", "reason": "more fills the memory of the small machine"}],
        "blockers": ["the test database has no unique index on the order number"],
        "checks": [{"name": "tests", "passed": False, "exit_code": 1, "output": "FAILED tests/test_importer.py::test_half_a_batch - assert 499 == 500"}],
    }),
    ("succeeded", "2 checks passed", ("The index is there now: see migrations/0007.",), {
        "summary": "A batch that fails is written again order by order, and the one that fails is named.",
        "completed": ["half a batch is no longer lost"], "artifacts": ["docs/import.md"],
    }),
    ("checks_failed", "lint did not pass", ("Don't swallow errors: an order that can't be read must stop the import.",), {
        "summary": "The import stops at the first order that it can't read, and says which line.",
        "decisions": [{"decision": "the first bad order stops the import", "reason": "a person decides what to do with it"}],
        "checks": [{"name": "lint", "passed": False, "exit_code": 1, "output": "shop/importer.py:88:5: F841 local variable 'row' is never used"}],
    }),
    ("idle", "the agent went silent", (), {"summary": "Nothing new: waited for a shell that never answered."}),
    ("succeeded", "2 checks passed", (), {
        "summary": "Lint is clean. The import can be run again: orders that are there already are left alone.",
        "decisions": [{"decision": "an order is known by its old number", "reason": "names and dates change"}],
    }),
    ("succeeded", "2 checks passed", ("Refunds are missing: they are negative orders in the export.",), {
        "summary": "Refunds become refunds of the order that they name.",
        "remaining": ["refunds whose order is older than the export"],
        "questions": ["What becomes of refunds whose order is not in the export?"],
    }),
    ("checks_failed", "tests did not pass", ("Put those into a list for the bookkeepers.",), {
        "summary": "Such refunds go to refunds.csv. Two tests of the bookkeepers' report fail since then.",
        "next_steps": ["look at tests/test_report.py first"],
        "checks": [{"name": "tests", "passed": False, "exit_code": 1, "output": "FAILED tests/test_report.py::test_sum - assert 103.0 == 100.0\nFAILED tests/test_report.py::test_rows\n2 failed, 41 passed"}],
    }),
    ("budget", "the money limit was reached", (), {
        "summary": "The report counts refunds twice: once as an order, once from refunds.csv.",
        "remaining": ["count them once"], "decisions": [{"decision": "refunds.csv is not read back by the report"}],
    }),
    ("checks_failed", "tests did not pass", ("Leave the report alone; change what the import writes.",), {
        "summary": "The import no longer writes an order for such a refund. The sum is right now; the number of rows is not.",
        "completed": ["the sum of the report"], "remaining": ["test_rows expects a row for the refund"],
        "next_steps": ["ask the bookkeepers whether a refund without an order is a row"],
        "guidance": "test_rows is from before refunds existed. I think that the test is wrong, but did not dare to change it.",
        "files_modified": ["shop/importer.py"],
        "checks": [{"name": "tests", "passed": False, "exit_code": 1, "output": "    def test_rows(report):\n>       assert len(report.rows) == 4\nE       assert 3 == 4\n1 failed, 42 passed"}],
    }),
]  # fmt: skip

ATTEMPTS = [
    Attempt.model_validate({
        "number": n, "run": f"run{n}", "agent": "claude", "started": f"2026-02-{n:02}T09:00:00Z", "outcome": outcome, "message": message,
        "guidance": guidance,
    })
    for n, (outcome, message, guidance, _) in enumerate(_TRIED, 1)
]  # fmt: skip


def _leave(day: int, name: str, **fields: Any) -> tuple[str, Handoff]:
    path = f"tasks/handoffs/{TASK}/202602{day:02}T100000000Z-{name}.yaml"
    return path, Handoff.model_validate({"task": TASK, "created": f"2026-02-{day:02}T10:00:00Z", **fields})


#: What was left, oldest first, each with its path.
LEFT = sorted([
    *(_leave(n, f"run{n}", attempt=n, agent="claude", outcome=outcome, **said) for n, (outcome, _, _, said) in enumerate(_TRIED, 1)),
    _leave(2, "a1", agent="rita", data={"notes": ["the export is on the file server, under /exports/shop"]}),
    _leave(4, "a2", agent="rita", data={"notes": ["the small machine is the one in the warehouse"]}),
    _leave(7, "a3", agent="tom", attempt=7, incomplete=True, summary="Looked at it by hand: the export of March has a second header in line 20,001.",
           decisions=[{"decision": "skip lines that repeat the header"}], next_steps=["try it with the export of March"]),
    _leave(9, "a4", agent="rita", summary="Spoke with the bookkeepers.", decisions=[{"decision": "refunds keep the date of the refund"}],
           questions=["May an import run while the shop is open?"]),
    _leave(11, "a5", agent="tom", data={"notes": ["invoices come later, in a task of their own"]}),
])  # fmt: skip

#: What it builds on: id, title, handoff.
DEPENDENCIES = [
    ("add-orders", "Keep orders", Handoff.model_validate({
        "task": "add-orders", "attempt": 2, "summary": "Orders stand in `shop/orders.py`; `Order.add()` is the only way to write one.",
        "decisions": [{"decision": "an order never changes", "reason": "the bookkeepers need the history"}],
        "files_modified": ["shop/orders.py"], "next_steps": ["import old orders through `Order.add()`"],
    })),
    ("add-customers", "Keep customers", Handoff.model_validate({
        "task": "add-customers", "attempt": 1, "summary": "Customers are found by their mail address, in lower case.",
    })),
    ("add-refunds", "Give money back", Handoff.model_validate({
        "task": "add-refunds", "attempt": 1, "summary": "`Refund.of(order)` makes one; it needs the order.",
        "remaining": ["refunds in parts"],
    })),
]  # fmt: skip
DEPENDENCY_PATHS = [f"tasks/handoffs/{task}/20260120T100000000Z-x.yaml" for task, _, _ in DEPENDENCIES]
