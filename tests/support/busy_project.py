"""A project in full swing: something stands in every state that people look for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage
from gitbaton.usecases.claim import claim_as_person
from gitbaton.usecases.transitions import advance
from gitbaton.wiring import read_clock
from support.attempts import finish
from support.repos import Clock
from support.team import Team, take

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from gitbaton.domain.state import State

TASKS = {
    "set-up-database": "title: Set up the database\nstatus: done\n",
    "add-login": "title: Add login\ndepends_on: [set-up-database]\npriority: high\npaths: [src/login/**]\n",
    "add-logout": "title: Add logout\ndepends_on: [add-login]\npaths: [src/login/**]\n",
    "reset-password": "title: Let people reset their password\ndepends_on: [add-login]\n",
    "send-mail": "title: Send mail\npriority: high\n",
    "mail-on-reset": "title: Send a mail on reset\ndepends_on: [reset-password, send-mail]\n",
    "audit-log": "title: Write an audit log\ndepends_on: [mail-on-reset]\n",
    "import-orders": "title: Import orders\n",
    "export-orders": "title: Export orders\n",
    "draw-logo": "title: Draw a logo\n",
    "choose-colours": "title: Choose colours\nhold: until the brand book is there\n",
    "old-idea": "title: An old idea\nstatus: cancelled\n",
    "follow-old-idea": "title: Follow the old idea\ndepends_on: [old-idea]\n",
    "search": "title: Search\npriority: critical\n",
    "search-page": "title: Show what was found\nparent: search-epic\ndepends_on: [search]\n",
    "search-epic": "title: People find things\ntype: epic\n",
    "maybe-later": "title: Maybe later\nstatus: draft\n",
    "write-guide": "title: Write the guide\npriority: low\n",
    "fix-typo": 'title: "Fix \\"the\\" typo <b>"\npriority: low\n',
}


def make_busy(folder: Path, *, now: datetime | None = None) -> Team:
    """The team whose clock stands at ``now``; what is told happened within the three hours before."""
    end = (now or read_clock()).replace(microsecond=0)
    files = {f"tasks/{task}.yaml": text for task, text in TASKS.items()}
    config = "base: main\nretries: {attempts: 1, backoff: 1m}\n"
    team = Team(folder, {**files, "tasks/config.yaml": config}, clock=Clock(end - timedelta(hours=3)))
    bot = team.join("claude")
    asked = take(bot, "send-mail", lease_s=90000)
    team.clock.advance(600)
    used = Usage(seconds=600.0, turns=12, cost_usd=0.41)
    finish(bot, asked, Outcome.NEEDS_INPUT, head=None, branch_tip=None, usage=used)

    def ask(_: State | None) -> dict[str, Any]:
        return {"question": "Which mail server shall I use?"}

    advance(bot, "send-mail", "clarified", ask)
    failed = take(bot, "import-orders", lease_s=90000)
    team.clock.advance(1200)
    finish(bot, failed, Outcome.CHECKS_FAILED, head=None, branch_tip=None, usage=used)
    team.publish("export-orders", {"src/export.txt": "done\n"}, bot)
    team.clock.advance(1800)
    take(bot, "add-login", lease_s=90000)
    claim_as_person(team.join("Ann"), "draw-logo")
    team.clock.time = end
    team.first.git("fetch", "--quiet", "origin", "+refs/baton/tasks/*:refs/baton/remote/tasks/*")
    return team
