"""The fleet: runners that come and go, people who review, and machines that die, sleep or lie about the time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.board import TaskRow
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.state import Holder
from gitbaton.domain.usage import Usage
from gitbaton.errors import Refusal, TryAgain
from gitbaton.store.configfile import ConfigFile
from gitbaton.usecases.claim import Claim, claim_as_person, claim_task, stop_task
from gitbaton.usecases.project import Project, load_view
from gitbaton.usecases.review import accept_task, reject_task, retry_task
from gitbaton.usecases.sync import sync_reviews
from gitbaton.usecases.transitions import LeaseLost, advance
from gitbaton.usecases.watch import Watch
from support.attempts import finish
from support.simulation.books import SANE_S, Books
from support.simulation.server import (
    BASE,
    Clone,
    Died,
    Network,
    Server,
    SimulatedForge,
    SimulatedLedger,
    make_repository,
    merge_on_server,
)
from support.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.board import Entry
    from gitbaton.domain.config import AgentConfig
    from gitbaton.domain.state import State
    from gitbaton.ports import Agent, ShellRun

HOUR = 3600.0
CONFIG = """base: main
retries: {{attempts: 3, backoff: 60s}}
caps: {{running: {running}, cost_per_day_usd: {cost}}}
run: {{budget_usd: 2.0}}
breaker: {{failures: 5, cooldown: 10m}}
"""
LEASE_S = 1.25 * HOUR
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


class Story(NamedTuple):
    """What is simulated. Chances are of one: for each word with the server (``faults``, ``deaths``), and for each
    attempt the ways in which it can end.
    """

    seed: int
    runners: int = 200
    tasks: int = 2000
    people: int = 6
    running: int = 120
    cost_per_day_usd: float = 2400.0
    days_max: float = 20.0
    faults: float = 0.004
    deaths: float = 0.0002
    rogue_clocks: float = 0.02


@dataclass
class Fleet:
    """One story. ``run`` tells it to its end."""

    story: Story
    world: World = field(init=False)
    books: Books = field(init=False)
    server: Server = field(init=False)
    networks: list[Network] = field(default_factory=list)
    clones: list[Clone] = field(default_factory=list)
    on_sweep: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        story = self.story
        self.world = World(story.seed)
        text = CONFIG.format(running=story.running, cost=story.cost_per_day_usd)
        config_file = ConfigFile(text.encode())
        self.books = Books(self.world, config_file.config)
        self.server = Server(self.books.watch, config_file)
        self.server.change_base({row.id: row for row in self._draw_tasks()})
        # The server is down for some minutes, and the model for a while, now and then.
        self.outages = self._draw_times(every_s=8 * HOUR, lasting_s=600)
        self.model_outages = self._draw_times(every_s=12 * HOUR, lasting_s=2400)

    def _draw_times(self, every_s: float, lasting_s: float) -> tuple[tuple[float, float], ...]:
        found, at = [], 0.0
        while at < self.story.days_max * 24 * HOUR:
            at += self.world.random.expovariate(1 / every_s)
            found.append((at, at + self.world.random.uniform(0.3, 1.7) * lasting_s))
        return tuple(found)

    def _draw_tasks(self) -> list[TaskRow]:
        """A few dependencies each, on any earlier ones; a third names paths, of which some meet."""
        random, rows = self.world.random, []
        for n in range(self.story.tasks):
            needs = (
                sorted({f"t{random.randrange(n)}" for _ in range(random.choice((0, 1, 1, 2, 3)))})
                if n
                else []
            )
            module = random.randrange(max(4, self.story.tasks // 8))
            paths = (f"src/m{module}/**",) if random.random() < 0.33 else ()
            priority = random.choice(("high", "medium", "medium", "low"))
            task = f"t{n}"
            rows.append(
                TaskRow(
                    task,
                    f"tasks/{task}.yaml",
                    f"Task {n}",
                    priority=priority,
                    depends_on=tuple(needs),
                    paths=paths,
                )
            )
        return rows

    def run(self) -> None:
        """Everybody acts until every task is done. Raises ``AssertionError`` for what must not happen."""
        for n in range(self.story.runners):
            self.world.enter(f"r{n}", Runner(self, f"r{n}").live)
        for n in range(self.story.people):
            self.world.enter(f"p{n}", Person(self, f"p{n}").live)
        self.world.enter("sync", Sweeper(self, "sync").live)
        self.world.run()
        assert self._is_done(), f"not all is done after {self.story.days_max} days: {self.describe_rest()}"
        self.books.check_words()
        for ref, head in self.books.acknowledged.items():
            self.books.checks += 1
            assert self.server.refs.get(ref) == head, f"{ref} was published, and is not there"

    def _is_done(self) -> bool:
        contents = self.server.read_contents(self.server.refs[BASE])
        return all(row.status == "done" for row in contents.tasks.values())

    def watch_end(self) -> None:
        """End the story when all is done, or when it takes too long; else tell how far it is."""
        self.on_sweep(
            f"hour {self.world.seconds / HOUR:.1f}: {len(self.books.merged)} of {self.story.tasks} merged"
        )
        if self._is_done() or self.world.seconds > self.story.days_max * 24 * HOUR:
            self.world.over = True

    def describe_rest(self) -> str:
        """What is left, by status."""
        rest: dict[str, int] = {}
        for row in self.server.read_contents(self.server.refs[BASE]).tasks.values():
            if row.status != "done":
                tip = self.books.tips.get(row.id)
                status = tip.status if tip else "no state"
                rest[status] = rest.get(status, 0) + 1
        return str(rest)

    def tell(self) -> dict[str, object]:
        """The figures."""
        counts = self.books.counts
        return {
            "claims": counts.get("claimed", 0),
            "lost races": sum(c.lost_races for c in self.clones),
            "withdrawals": counts.get("withdrawn", 0),
            "takeovers after the lease": counts.get("takeovers after the lease", 0),
            "takeovers from the living (a clock far off)": counts.get(
                "takeovers from the living (a clock far off)", 0
            ),
            "published": counts.get("published", 0),
            "failed": counts.get("failed", 0),
            "merged": counts.get("merged", 0),
            "turned away at the fence": counts.get("turned away", 0),
            "machines that died": counts.get("died", 0),
            "asleep past their lease": counts.get("slept", 0),
            "interrupted claims": counts.get("interrupted", 0),
            "words with the server": sum(n.words for n in self.networks),
            "refused": sum(n.refused for n in self.networks),
            "answers lost": sum(n.lost for n in self.networks),
            "peak running / cap": f"{self.books.peak_running} / {self.story.running}",
            "peak spent in a day / cap": f"{self.books.peak_spent:.0f} / {self.story.cost_per_day_usd:.0f} USD",
            "peak in review": self.books.peak_reviews,
            "simulated hours": round(self.world.seconds / HOUR, 1),
            "turns of the scheduler": self.world.switches,
            "checks made": self.books.checks,
        }


@dataclass
class Somebody:
    """Who acts: a name, and at any time one machine with a clone, a clock and a network."""

    fleet: Fleet
    name: str
    hasty: bool = False
    dead: bool = False

    def __post_init__(self) -> None:
        self.world, self.books = self.fleet.world, self.fleet.books
        self.random = self.world.random

    def befall(self) -> None:
        """See ``Network``."""
        if self.dead or self.random.random() < self.fleet.story.deaths:
            self.dead = True
            raise Died
        if self.hasty and self.random.random() < self.fleet.story.deaths:
            raise KeyboardInterrupt

    def open(self, *, skew_s: float) -> Project:
        """A fresh clone on a fresh machine."""
        self.dead = False
        network = Network(self.world, self.fleet.story.faults, self.befall, self.fleet.outages)
        clone = Clone(self.fleet.server, network, skew_s)
        self.fleet.networks.append(network)
        self.fleet.clones.append(clone)
        nowhere = Path("/nonexistent")
        return Project(
            repo=make_repository(clone), refs=clone, clock=clone.now, random_id=self._draw_id, pause=self.world.wait,
            actor=self.name, environment={}, cache=nowhere, open_forge=lambda _: SimulatedForge(clone), open_agent=_no_agent,
            run_shell=_no_shell, ledger=SimulatedLedger(clone),
        )  # fmt: skip

    def _draw_id(self, length: int) -> str:
        return "".join(self.random.choices(_ALPHABET, k=length))


def _no_agent(name: str, config: AgentConfig) -> Agent:
    raise AssertionError(f"{name} ({config.adapter}) shall run")


def _no_shell(command: str, **_: object) -> ShellRun:
    raise AssertionError(f"{command} shall run")


class Runner(Somebody):
    """Claims, works, publishes. Its machine may die at any word, or sleep past its lease and come back."""

    def live(self) -> None:
        while True:
            self.skew_s = self._draw_skew()
            project = self.open(skew_s=self.skew_s)
            try:
                while True:
                    self._work_once(project)
            except Died:
                self.books.count("died")
                self.world.wait(self.random.uniform(60, HOUR))

    def _draw_skew(self) -> float:
        if self.random.random() < self.fleet.story.rogue_clocks:
            return self.random.choice((-1, 1)) * self.random.uniform(200, 5 * HOUR)
        return self.random.uniform(-SANE_S, SANE_S)

    def _work_once(self, project: Project) -> None:
        holder = Holder(name=self.name, kind="agent")
        self.hasty = True
        try:
            claimed = claim_task(project, None, holder=holder, lease_s=lambda _: LEASE_S)
        except TryAgain:
            self.world.wait(self.random.uniform(20, 120))
            return
        except KeyboardInterrupt:
            self.books.count("interrupted")
            return
        finally:
            self.hasty = False
        if not isinstance(claimed, Claim):
            self.world.wait(self.random.uniform(0.5, 2.5) * HOUR)
            return
        self.books.begin(claimed, sane=abs(self.skew_s) <= SANE_S)
        try:
            self._carry_out(project, claimed)
        except LeaseLost:
            self.books.count("turned away")
        except (Refusal, TryAgain):
            self.books.count("could not publish")

    def _carry_out(self, project: Project, claim: Claim) -> None:
        branch_tip = project.refs.fetch_branch(claim.tip.state.branch or "")
        outcome = self._work(Watch(project, claim, poll_s=120.0))
        if outcome is None:
            self.dead = True
            raise Died
        if outcome is Outcome.LOST_LEASE:
            raise LeaseLost(claim.entry.row.id, claim.run, None)
        server, task = self.fleet.server, claim.entry.row.id
        start = branch_tip or claim.base
        head = server.add([start])
        usage = Usage(cost_usd=round(self.random.uniform(0.1, 1.9), 2))
        tip = finish(project, claim, outcome, head=head, branch_tip=branch_tip, usage=usage, patience=4)
        mine = tip.state.attempts[claim.tip.state.attempt - 1]
        assert (mine.run, mine.head) == (claim.run, head), f"{claim.run} published in the name of {mine.run}"
        self.books.checks += 1
        self.books.acknowledged[f"refs/baton/attempts/{task}/{claim.tip.state.attempt}"] = head

    def _work(self, watch: Watch) -> Outcome | None:
        """How the agent ends, after a while; None: nobody ever hears of it."""
        end = self.world.seconds + self.random.uniform(300, 2400)
        while self.world.seconds < end:
            self.world.wait(min(120.0, end - self.world.seconds))
            if stopped := watch():
                return stopped
        if any(a <= self.world.seconds < b for a, b in self.fleet.model_outages):
            return Outcome.OVERLOADED
        fate = self.random.random()
        if fate < 0.03:
            return None
        if fate < 0.06:  # the lid was closed
            self.books.count("slept")
            self.world.wait(self.random.uniform(0.5, 3) * LEASE_S)
        elif fate < 0.14:
            return Outcome.CHECKS_FAILED
        elif fate < 0.17:
            return Outcome.NEEDS_INPUT
        elif fate < 0.19:
            return Outcome.CRASHED
        return Outcome.SUCCEEDED


class Person(Somebody):
    """Looks at the board now and then, and decides what waits for a decision."""

    def live(self) -> None:
        project = self.open(skew_s=self.random.uniform(-SANE_S, SANE_S))
        while True:
            try:
                self._look(project)
            except Died:
                project = self.open(skew_s=self.random.uniform(-SANE_S, SANE_S))
            except (Refusal, TryAgain):
                self.books.count("a person was refused")
            self.world.wait(self.random.uniform(300, 1500))

    def _look(self, project: Project) -> None:
        board = load_view(project.fetched(), local=False).board
        waiting = [e for e in board.entries.values() if self._waits(e)]
        for entry in self.random.sample(waiting, min(20, len(waiting))):
            try:
                self._decide(project, entry)
            except (Refusal, TryAgain):
                self.books.count("a person was refused")
            self.world.wait(self.random.uniform(5, 60))
        self._meddle(project, list(board.entries.values()))

    @staticmethod
    def _waits(entry: Entry) -> bool:
        if entry.state == "failed":
            return entry.attempts_left == 0
        if entry.state == "stale":
            return entry.attempts_left == 0
        return entry.state in ("in_review", "needs_input", "stopped", "closed", "taken_over", "held")

    def _decide(self, project: Project, entry: Entry) -> None:
        task, words = entry.row.id, f"words of {self.name} at {self.world.seconds:.3f}"
        match entry.state:
            case "in_review":
                self._review(project, task, words)
            case "needs_input":
                advance(project.fetched(), task, "answered", lambda old: self._add(old, words))
                self.books.said.append((task, words))
            case "held":
                advance(project.fetched(), task, "hold_released", lambda _: {"hold": None})
            case "stale":
                stop_task(project, task, "it was the last attempt")
            case _:
                retry_task(project, task, words)
                self.books.said.append((task, words))

    @staticmethod
    def _add(old: State | None, words: str) -> dict[str, Any]:
        return {"guidance": (*(old.guidance if old else ()), words), "question": None}

    def _review(self, project: Project, task: str, words: str) -> None:
        fate = self.random.random()
        if fate < 0.80:
            accept_task(project, task)
        elif fate < 0.85:  # with the button on the server's page
            merge_on_server(self.fleet.server, f"baton/{task}")
        elif fate < 0.97:
            reject_task(project, task, words)
            self.books.said.append((task, words))
        else:
            advance(project.fetched(), task, "closed", lambda _: {"reason": "not wanted", "lease": None})

    def _meddle(self, project: Project, entries: list[Entry]) -> None:
        """Something that people do without being asked."""
        entry, fate = self.random.choice(entries), self.random.random()
        if fate < 0.05 and entry.state == "in_progress":
            stop_task(project, entry.row.id)
        elif fate < 0.10 and entry.state == "ready":
            advance(project.fetched(), entry.row.id, "held", lambda _: {"hold": "not now"})
        elif fate < 0.20 and entry.state == "done" and entry.row.status == "done":  # a revert
            if self.books.counts.get("reopened", 0) < self.fleet.story.tasks // 40:
                self.fleet.server.change_base({entry.row.id: entry.row._replace(status="todo")})
                self.books.count("reopened")
        elif fate < 0.20 and entry.claimable:
            claimed = claim_as_person(project, entry.row.id)
            if isinstance(claimed, Claim):
                self.world.wait(self.random.uniform(60, 600))
                stop_task(project, entry.row.id)


class Sweeper(Somebody):
    """The workflow that runs ``sync`` every half hour, and the one who knows when the story is over."""

    def live(self) -> None:
        while True:
            project = self.open(skew_s=0.0)
            try:
                sync_reviews(project)
            except Died:
                pass
            except (Refusal, TryAgain):
                self.books.count("a sweep was cut short")
            self.fleet.watch_end()
            self.world.wait(1800)
