"""The claim protocol under everything that may happen to it, on real git: whatever people, runners, machines and
networks do in whatever order, what ``ClaimStage.check`` says holds after each step.

``GITBATON_SOAK=1`` runs many more and longer stories, drawn anew each time.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from strategies import any_operation, mostly, troubles
from support.claim_stage import ClaimStage, Trouble

pytestmark = pytest.mark.promise("claim.always-one")

SOAK = bool(os.environ.get("GITBATON_SOAK"))


class ClaimMachine(RuleBasedStateMachine):
    """One operation of the stage after the other; trouble may befall whoever does it. All stand behind one rule,
    because Hypothesis leaves whole rules out of a story, and most stories need a claim to go on.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="claims")
        self.stage = ClaimStage(Path(self._folder.name))

    @rule(operation=any_operation, trouble=troubles, aimed=mostly)
    def something_happens(self, operation: tuple[Any, ...], trouble: Trouble | None, aimed: bool) -> None:
        self.stage.happen(trouble, self.stage.aim(operation) if aimed else operation)

    @invariant()
    def nothing_is_broken(self) -> None:
        self.stage.check()

    def teardown(self) -> None:
        for who in range(len(self.stage.people)):
            self.stage.look(who)
        self._folder.cleanup()


TestClaimMachine = ClaimMachine.TestCase
TestClaimMachine.settings = settings(
    max_examples=400 if SOAK else 12,
    stateful_step_count=80 if SOAK else 30,
    derandomize=not SOAK,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink) if SOAK else (Phase.generate,),
    print_blob=True,
)
