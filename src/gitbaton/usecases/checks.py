"""What the runner itself finds out about the work: the checks, and whether a structured result fits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gitbaton.domain.handoff import CheckResult
from gitbaton.domain.outcome import OUTCOMES
from gitbaton.domain.wording import clean_text
from gitbaton.errors import Refusal
from gitbaton.ports import never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from jsonschema.exceptions import ValidationError

    from gitbaton.domain.outcome import Outcome
    from gitbaton.store.workplace import Workplace
    from gitbaton.usecases.attempt_log import AttemptLog
    from gitbaton.usecases.material import Surroundings
    from gitbaton.usecases.project import Project

_CHECK_OUTPUT = 4000
_CHECK_LINES = 6  # of a failed check are shown at once; the handoff keeps more
_WORD = re.compile(r"\w")


def run_checks(
    project: Project, around: Surroundings, place: Workplace, env: dict[str, str], log: AttemptLog,
    should_stop: Callable[[], Outcome | None] = never,
) -> tuple[CheckResult, ...]:  # fmt: skip
    """Run every check, in order, in the agent's folder; later ones too when one fails, so that the next
    attempt hears of all. What ``should_stop`` gives ends the check that runs, which then says nothing, and all others.
    """
    results = []
    folder = _inside(place.work, around.task.working_directory)
    for check in around.settings.checks:
        log.say("check", f"{check.name}: {check.run}")
        done = project.run_shell(
            check.run, cwd=folder, env=env, timeout_s=check.timeout or project.repo.config.timeouts.check,
            should_stop=should_stop,
        )  # fmt: skip
        if done.stopped_by:
            log.say("check", f"{check.name} was ended: {OUTCOMES[done.stopped_by].words}")
            break
        passed = done.exit_code == 0 and not done.timed_out
        output = clean_text(done.output)[-_CHECK_OUTPUT:].strip()
        if done.timed_out:
            output += f"\n(ended after {done.seconds:.0f} s)"
        results.append(
            CheckResult(
                name=check.name,
                passed=passed,
                exit_code=None if done.timed_out else done.exit_code,
                seconds=round(done.seconds, 2),
                output=None if passed else output or None,
            )
        )
        log.say("check", f"{check.name} {'passed' if passed else 'failed'} in {done.seconds:.1f} s")
        for line in [] if passed else [x for x in output.splitlines() if _WORD.search(x)][-_CHECK_LINES:]:
            log.say("check", f"  {line}")
    return tuple(results)


def _inside(work: Path, folder: str | None) -> Path:
    if not folder:
        return work
    path = (work / folder).resolve()
    if not path.is_relative_to(work.resolve()) or not path.is_dir():
        raise Refusal(
            f"working_directory '{folder}' is no folder of the repository",
            code="bad-working-directory",
            hint="correct it in the task file",
        )
    return path


def check_result(schema: dict[str, object], result: object) -> list[str]:
    """What is wrong with a structured result, in words; empty when it fits."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import extend

    from gitbaton.store.documents import schema_errors
    from gitbaton.store.yamlfile import field_name

    if result is None:
        return ["no structured result was handed over"]
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [f"the task's result_schema is no valid JSON Schema: {error.message}"]
    return [
        f"{field_name(field) or 'result'}: {message}"
        for field, message in schema_errors(
            result,
            extend(Draft202012Validator, {"pattern": _check_pattern})(schema),  # type: ignore[no-untyped-call] # theirs
        )
    ]


def _check_pattern(
    _: object, pattern: str, instance: object, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """``pattern``, whose ``$`` is the very end. A text that is too long anyway is not looked at: its author may mean
    harm, and some patterns take forever on long ones.
    """
    from jsonschema.exceptions import ValidationError

    if not isinstance(instance, str) or len(instance) > schema.get("maxLength", len(instance)):
        return
    if not re.search(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")
