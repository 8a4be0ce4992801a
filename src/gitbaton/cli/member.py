"""One member of a pool, as a process: ``python -m gitbaton.cli.member``. It takes orders, one JSON object per line of
its standard input, and carries out one after another: look for a task, claim it, let the agent work, publish. It says
what happens as one JSON object per line:

* ``claimed``: ``task``, ``title``, ``attempt``, ``run``
* ``event``: ``event`` (what ``baton run`` prints a line for), ``text``, ``turns``, ``cost_usd``

and, last of all, one of

* ``ended``: ``record`` (what ``baton run --json`` answers), ``notes``, ``exit_code``, ``state``, ``usage``
* ``idle``: ``reason``, ``wait_s``, ``is_blocked``
* ``error``: ``error`` (what goes to stderr with ``--json``), ``exit_code``
* ``recovered``: an orphaned attempt was ended, or wasn't ours any more

When its standard input ends, it ends too; what it is at by then is stopped as by SIGTERM.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from gitbaton.cli.face import EXIT_BUG, EXIT_INTERRUPTED, keep_traceback, open_here
from gitbaton.edges.interruption import Interruption
from gitbaton.errors import BatonError, explain_os_error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitbaton.usecases.attempt_log import RunEvent
    from gitbaton.usecases.claim import Claim


def main() -> int:
    """Take orders until there are no more, a person says stop, or something breaks that may not be well again."""
    interruption = Interruption()
    interruption.heed()
    say = _open_voice()
    orders = _listen()
    code = 0
    try:
        while code not in (EXIT_BUG, EXIT_INTERRUPTED) and not interruption.count:
            order = orders.get()
            if order is None:
                break
            interruption.is_ending = False
            code = _carry_out(order, interruption, say)
    except KeyboardInterrupt:  # while there was nothing to do
        return EXIT_INTERRUPTED
    return code


def _carry_out(order: Mapping[str, Any], interruption: Interruption, say: Callable[..., None]) -> int:
    try:
        if order.get("recover"):
            _recover(order["recover"])
            say("recovered")
            return 0
        return _work(order, interruption, say)
    except BaseException as error:  # noqa: BLE001 this is the boundary
        return _report(error, say)


def _listen() -> queue.SimpleQueue[dict[str, Any] | None]:
    """The orders that come in. When the pool is gone, None, and whatever is being done is interrupted."""
    orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            orders.put(json.loads(line))
        orders.put(None)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=read, daemon=True).start()
    return orders


def _open_voice() -> Callable[..., None]:
    """How this process speaks. Nobody listens when the pool is gone; the work goes on all the same."""
    voice = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no message

    def say(kind: str, **fields: Any) -> None:
        data = (json.dumps({"type": kind, **fields}, ensure_ascii=False) + "\n").encode(errors="replace")
        try:
            while data:
                data = data[os.write(voice, data) :]
        except OSError:
            pass

    return say


def _work(order: Mapping[str, Any], interruption: Interruption, say: Callable[..., None]) -> int:
    from gitbaton.cli.runs import answer_run
    from gitbaton.usecases.choosing import Choice, Filters
    from gitbaton.usecases.pool import explain_idle
    from gitbaton.usecases.run import run_task

    labels, plan, service, ids, without = order["filters"]
    filters = Filters(tuple(labels), plan, service, tuple(ids), tuple(without))
    project = open_here()

    def tell_claim(claim: Claim) -> None:
        row = claim.entry.row
        say("claimed", task=row.id, title=row.title, attempt=claim.tip.state.attempt, run=claim.run)

    def tell_event(event: RunEvent) -> None:
        interruption.is_ending = interruption.is_ending or event.kind == "end"
        say("event", event=event.kind, text=event.text, turns=event.turns, cost_usd=event.cost_usd)

    ran = run_task(
        project, None, tell_event, on_claim=tell_claim, agent_name=order["agent"], accept=filters.accept,
        keep_workplace=order["keep_workplace"],
    )  # fmt: skip
    if isinstance(ran, Choice):
        idle = explain_idle(project, ran, filters)
        say("idle", **idle._asdict())
        return 0
    answer = answer_run(project, ran)
    state = ran.tip.state
    usage = state.attempts[-1].usage if state.attempts else None
    say(
        "ended", record=answer.record, notes=answer.text, exit_code=answer.exit_code, state=state.status,
        usage=usage.model_dump(mode="json", exclude_none=True) if usage else {},
    )  # fmt: skip
    return answer.exit_code


def _recover(orphan: Mapping[str, str]) -> None:
    from gitbaton.usecases.recovery import end_orphan

    end_orphan(open_here(), orphan["task"], orphan["run"], orphan["reason"])


def _report(error: BaseException, say: Callable[..., None]) -> int:
    from gitbaton.report.records import error_record

    error = explain_os_error(error) or error
    if isinstance(error, KeyboardInterrupt):
        error = BatonError("interrupted", code="interrupted")
        code = EXIT_INTERRUPTED
    elif isinstance(error, BatonError):
        code = error.exit_code
    else:
        error = keep_traceback(error)
        code = EXIT_BUG
    say("error", error=error_record(error), exit_code=code)
    return code


if __name__ == "__main__":
    sys.exit(main())
