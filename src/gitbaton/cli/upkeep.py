"""Commands that keep a repository tidy: archive, doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.delivery import add_delivery, delivery_record, describe_delivery, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.errors import Refusal, UsageError
from gitbaton.report.records import record
from gitbaton.usecases.archive import AGE_DAYS, Archived, archive_tasks, restore_tasks

if TYPE_CHECKING:
    import argparse

    from gitbaton.domain.finding import Finding


def _configure_archive(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "id", nargs="*", help="these finished tasks, however young (default: all that are old enough)"
    )
    p.add_argument("--all", action="store_true", help="every finished task, however young")
    p.add_argument(
        "--days", type=int, metavar="N", help=f"those whose file has not been changed for N days (default: {AGE_DAYS})"
    )  # fmt: skip
    p.add_argument("--restore", action="store_true", help="bring the tasks with these ids back instead")
    p.add_argument("--dry-run", action="store_true", help="say what would be moved, and move nothing")
    add_delivery(p)


def _archive(a: argparse.Namespace) -> Answer:
    if a.restore:
        if not a.id or a.all or a.days is not None:
            raise UsageError(
                "say which tasks to restore: --restore ID …", code="usage", hint="see what is archived: baton list --all"
            )  # fmt: skip
        done = restore_tasks(open_here(), a.id, dry_run=a.dry_run, to=read_delivery(a))
        return _answer(a, done, "restored" if not a.dry_run else "would restore")
    if (a.days is not None and a.days < 0) or len([w for w in (a.id, a.all, a.days is not None) if w]) > 1:
        raise UsageError("give ids, --all or --days N", code="usage", hint="baton archive --help")
    days = None if a.all else AGE_DAYS if a.days is None else a.days
    done = archive_tasks(open_here(), a.id, days=days, dry_run=a.dry_run, to=read_delivery(a))
    return _answer(a, done, "archived" if not a.dry_run else "would archive")


def _answer(a: argparse.Namespace, done: Archived, verb: str) -> Answer:
    edited = done.edited
    lines = [f"{verb} {m.task} ({m.target})" for m in done.moves]
    lines += [f"kept {task}: {why}" for task, why in done.kept]
    if not done.moves:
        lines.append("nothing to archive" if not a.restore else "nothing to restore")
    if done.young == 1:
        lines.append("1 task was finished lately and stays: --all takes it, too")
    elif done.young:
        lines.append(f"{done.young} tasks were finished lately and stay: --all takes them, too")
    if edited:
        lines += describe_delivery(edited)
    return Answer(
        record(
            "restore" if a.restore else "archive",
            moved=[{"id": m.task, "from": m.source, "path": m.target} for m in done.moves],
            kept=[{"id": task, "reason": why} for task, why in done.kept],
            young=done.young,
            dry_run=a.dry_run,
            **delivery_record(edited),
        ),
        "\n".join(lines),
    )


def _configure_doctor(p: argparse.ArgumentParser) -> None:
    p.add_argument("--fix", action="store_true", help="mend what can be mended")


def _doctor(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.doctor import Treated, examine, find_obstacle, treat

    try:
        project = open_here(complete=False)
    except Refusal as error:
        treated = Treated((), (find_obstacle(error),), {})
    else:
        treated = treat(project) if a.fix else Treated((), tuple(examine(project)), {})
    lines = [f"fixed    {f.code}: {f.message}" for f in treated.mended]
    findings = []
    for f in treated.left:
        trouble = treated.trouble.get((f.code, f.message))
        what = f"could not be fixed: {trouble}" if trouble else f"--fix {f.remedy}" if f.fix else f.remedy
        lines.append(f"{f.severity:<8} {f.code}: {f.message}" + (f" → {what}" if what else ""))
        findings.append({**_finding(f), "trouble": trouble})
    needed = [f for f in treated.left if f.severity != "note"]
    if not needed:
        lines.append("nothing needs doing")
    return Answer(
        record("doctor", findings=findings, fixed=[_finding(f) for f in treated.mended]),
        "\n".join(lines),
        1 if needed else 0,
    )


def _finding(f: Finding) -> dict[str, object]:
    return {
        "code": f.code,
        "severity": f.severity,
        "message": f.message,
        "remedy": f.remedy,
        "fixable": bool(f.fix),
    }


COMMANDS = {
    "archive": Command(
        "Move finished tasks to tasks/archive/YEAR/, in one commit. Their ids stay taken, what depends on them goes on, and\n"
        "their history stays. Without ids: those whose file has not been changed for 30 days.",
        _configure_archive, _archive, ("baton archive --dry-run", "baton archive --days 90", "baton archive add-health", "baton archive --restore add-health"),
    ),
    "doctor": Command(
        "Find what is broken in this clone, on the board and between them. --fix mends what can be mended without losing\n"
        "anything. Exit code 1: something needs doing.",
        _configure_doctor, _doctor, ("baton doctor", "baton doctor --fix", "baton doctor --json"),
    ),
}  # fmt: skip
