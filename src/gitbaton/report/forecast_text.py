"""``forecast``: when open work will be done, for people and for programs. Nothing is said more exactly than it is known."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gitbaton.domain.durations import render_duration
from gitbaton.domain.experience import ENOUGH, LEAST, POOL_LEAST
from gitbaton.domain.forecast import SHARES
from gitbaton.report.moments import render_age
from gitbaton.report.terminal import align, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.forecast import Chance
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.forecasting import Outlined

_SHOWN = 5
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
#: From here on minutes say nothing, and the time of day neither.
_HOURS_FROM_S, _DATES_FROM_S = 6 * _HOUR_S, 2 * _DAY_S
#: Lengths below the first number are given in steps of the second.
_STEPS = (
    (_HOUR_S, _MINUTE_S), (_HOURS_FROM_S, 10 * _MINUTE_S), (_DATES_FROM_S, _HOUR_S), (10 * _DAY_S, 6 * _HOUR_S), (float("inf"), _DAY_S),
)  # fmt: skip
_LANES = {
    "asked": "as you asked", "cap": "caps.running", "measured": "as so far", "assumed": "nothing says how many, so one is assumed",
}  # fmt: skip
_SPENT = {
    "people": "waiting for people", "work": "work", "lanes": "waiting for a free agent or for paths", "pauses": "pauses between attempts",
}  # fmt: skip


def render_forecast(told: Outlined, style: Style) -> str:
    """The answer first, then what it rests on."""
    lines = _head(told, style)
    if told.forecast:
        lines += ["", *_table(told, style)]
        if told.by_s is not None:
            share = told.forecast.find_share(told.by_s)
            lines.append(f"  done by {printable(told.by_said)}: {_percent(share)} of the runs")
    warnings = list_warnings(told)
    lines += [""] if warnings else []
    for words in warnings:
        lines += [style.paint(part, "yellow") for part in _wrap(f"careful: {printable(words)}", style)]
    if told.forecast:
        lines += ["", *(part for line in _explain(told) for part in _wrap(line, style))]
    lines += _left_out(told, style)
    return "\n".join(lines)


def _wrap(line: str, style: Style) -> list[str]:
    return textwrap.wrap(line, max(40, style.width), subsequent_indent="  ", break_on_hyphens=False)


def _head(told: Outlined, style: Style) -> list[str]:
    whose = f"plan {told.plan}: " if told.plan else ""
    if not told.open:
        return [f"{whose}no task is open"]
    inside = told.open - len(told.left_out)
    many = _count(told.open, "open task")
    many = f"{inside} of {many}" if told.left_out and inside else many
    if told.forecast is None:
        return [style.paint(f"{whose}{many}, and nobody can say when one of them begins", "bold")]
    number = told.lanes.number
    crew = f"{number} agent{'s' if number != 1 else ''}"
    words = f"{whose}{many}, if {crew} ({_LANES[told.lanes.says]}) work{'' if number != 1 else 's'} from now on without a break"
    return textwrap.wrap(printable(words), min(style.width, 120))


def _table(told: Outlined, style: Style) -> list[str]:
    assert told.forecast
    ends = told.forecast.ends_s
    if ends[0] == ends[-1] and told.estimated:
        return ["  " + align([["as estimated", _say_length(told, ends[0]), _say_date(told, ends[0])]], style)]
    rows = []
    for share in SHARES:
        seconds = told.forecast.find_quantile_s(share)
        rows.append([f"  {_percent(share)}", _say_length(told, seconds), _say_date(told, seconds)])
    return align(rows, style).splitlines()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def _say_length(told: Outlined, seconds: float) -> str:
    if is_guess(told):
        return f"about {render_age(max(_MINUTE_S, seconds))}"
    return f"within {render_duration(max(_MINUTE_S, round_up(seconds)))}"


def round_up(seconds: float) -> float:
    """As exact as a forecast of that length may look."""
    step = next(step for most, step in _STEPS if seconds < most)
    return -(-seconds // step) * step


def _say_date(told: Outlined, seconds: float) -> str:
    at = told.now + seconds
    if seconds >= _DATES_FROM_S:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    step = _HOUR_S if seconds >= _HOURS_FROM_S else _MINUTE_S
    return datetime.fromtimestamp(-(-at // step) * step, UTC).strftime("%Y-%m-%d %H:%M UTC")


def is_guess(told: Outlined) -> bool:
    """Whether too little was measured for more than a guess."""
    return told.lived.is_thin or bool(told.estimated)


def list_warnings(told: Outlined) -> list[str]:
    """What makes the figures less than they look."""
    if told.forecast is None:
        return []
    lived, warnings = told.lived, []
    number = len(lived.tries)
    if lived.is_thin:
        ended = f"only {_count(number, 'attempt')} ended" if number else "no attempt has ended yet"
        warnings.append(f"{ended}, so this is a guess; from {ENOUGH} on it is more")
    if told.estimated:
        whole = told.estimated == sum(told.bases.values())
        which = (
            "every task counts"
            if whole
            else f"{_count(told.estimated, 'task')} count{'s' if told.estimated == 1 else ''}"
        )
        warnings.append(
            f"{which} with an estimate, which has no spread and never fails (fewer than {LEAST} attempts)"
        )
    if not lived.reviews:
        warnings.append("no review has ended yet: waiting for reviews is not counted")
    elif len(lived.reviews) < POOL_LEAST:
        warnings.append(f"only {_count(len(lived.reviews), 'review')} ended")
    if not lived.of_agents and lived.tries:
        warnings.append("agents have made too few attempts: those of people count, too")
    if told.outlasting:
        verb, they = (
            ("takes", "it counts as if it") if told.outlasting == 1 else ("take", "they count as if they")
        )
        warnings.append(
            f"{_count(told.outlasting, 'task')} {verb} longer already than any before: {they} began just now"
        )
    if told.local:
        verb, they = ("stands", "it is") if told.local == 1 else ("stand", "they are")
        warnings.append(
            f"{_count(told.local, 'task')} {verb} only in this checkout: nobody starts before {they} merged"
        )
    return warnings


def _explain(told: Outlined) -> list[str]:
    assert told.forecast
    lived = told.lived
    ends = [one.end for one in lived.tries]
    bases = ", ".join(f"{words} (for {_count(n, 'task')})" for words, n in told.bases.items())
    made = f"{len(ends)} attempts ({ends.count('good')} went to review, {ends.count('failed')} failed, {ends.count('asked')} asked)"
    shares = sorted(told.forecast.shares.items(), key=lambda pair: -pair[1])
    spent = ", ".join(f"{_SPENT[name]} {_percent(share)}" for name, share in shares if share >= 0.005)
    lines = (
        [
            f"measured: {made}, {len(lived.reviews)} reviews; {told.runs} runs",
            f"drawn from: {printable(bases)}",
        ]
        if ends
        else []
    )
    lines += [f"where the time goes, on the chain that ends last: {spent}"] if spent else []
    if told.forecast.chains and told.played > 1:
        lines.append(f"most often on that chain: {_say_chances(told.forecast.chains)}")
        lines.append(f"most often the last: {_say_chances(told.forecast.lasts)}")
    return lines


def _say_chances(chances: Sequence[Chance]) -> str:
    shown = [f"{printable(c.task)} {_percent(c.share)}" for c in chances[:_SHOWN] if c.share >= 0.005]
    return ", ".join(shown)


def _left_out(told: Outlined, style: Style) -> list[str]:
    if not told.left_out:
        return []
    title = f"Not in it ({len(told.left_out)}), because nobody can say when they begin"
    rows = [["  " + left.task, left.why] for left in told.left_out[:_SHOWN]]
    more = len(told.left_out) - _SHOWN
    rest = [style.paint(f"  and {more} more", "dim")] if more > 0 else []
    return ["", style.paint(title, "bold"), *align(rows, style).splitlines(), *rest]


def forecast_record(told: Outlined) -> dict[str, Any]:
    """The same for programs. ``quantiles`` is empty where nothing can be told."""
    lived, found = told.lived, told.forecast
    ends = [one.end for one in lived.tries]

    def moment(seconds: float) -> str:
        return datetime.fromtimestamp(told.now + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def chances(values: Sequence[Chance]) -> list[dict[str, Any]]:
        return [{"task": c.task, "share": round(c.share, 4)} for c in values[:20]]

    return {
        "plan": told.plan, "open": told.open,
        "quantiles": [
            {"share": share, "seconds": round(s := found.find_quantile_s(share)), "at": moment(s)} for share in SHARES
        ] if found else [],
        "by": None if told.by_s is None or not found else {"at": moment(told.by_s), "share": round(found.find_share(told.by_s), 4)},
        "guess": is_guess(told), "warnings": list_warnings(told),
        "lanes": {"number": told.lanes.number, "from": told.lanes.says}, "runs": told.runs, "seed": told.seed,
        "shares": {name: round(share, 4) for name, share in found.shares.items()} if found else {},
        "on_last_chain": chances(found.chains) if found else [], "ends_last": chances(found.lasts) if found else [],
        "left_out": [{"task": left.task, "why": left.why} for left in told.left_out],
        "measured": {
            "attempts": len(ends), "good": ends.count("good"), "failed": ends.count("failed"), "asked": ends.count("asked"),
            "reviews": len(lived.reviews), "answers": len(lived.answers), "decisions": len(lived.decisions),
        },
        "drawn_from": dict(told.bases), "estimated": told.estimated, "local": told.local,
    }  # fmt: skip
