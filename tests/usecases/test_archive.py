"""Finished tasks go out of the way and come back: byte for byte, in one commit, with id and history."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gitbaton.store.edits import queue_writers
from gitbaton.store.layout import archive_path, classify, is_archived, task_path
from gitbaton.store.repository import open_repository
from gitbaton.usecases.archive import archive_tasks, restore_tasks
from support.cli import SOURCE, Baton
from support.repos import Checkout, make_repository
from support.team import Team, refuse, take

#: A file as people write them: comments, blank lines, a trailing one, an odd order.
HAND = "# mine\nstatus: done   # at last\n\ntitle: 'A'\ncreated: 2025-11-02T10:00:00Z\n# end\n"
FILES: dict[str, str | bytes | None] = {
    "tasks/config.yaml": "base: main\n",
    "tasks/a.yaml": HAND,
    "tasks/sub/b.yaml": "title: B\nstatus: cancelled\ncreated: 2024-01-01\n",
    "tasks/c.yaml": "title: C\ndepends_on: [a]\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, FILES)


@pytest.fixture
def baton(repo: Checkout, tmp_path: Path) -> Baton:
    return Baton(repo.path, tmp_path / "home")


def paths(repo: Checkout) -> list[str]:
    listed = repo.git("ls-tree", "-r", "--name-only", "HEAD", "tasks/").splitlines()
    return [p for p in listed if p.endswith(".yaml") and "config" not in p]


def test_finished_tasks_move_in_one_commit(repo: Checkout, baton: Baton) -> None:
    before, blob = repo.head(), repo.git("rev-parse", "HEAD:tasks/a.yaml")
    repo.write({"README.md": "mine\n"})
    done = baton.json("archive")
    assert done["moved"] == [
        {"id": "a", "from": "tasks/a.yaml", "path": "tasks/archive/2025/a.yaml"},
        {"id": "b", "from": "tasks/sub/b.yaml", "path": "tasks/archive/2024/b.yaml"},
    ]
    assert repo.git("rev-list", f"{before}..HEAD") == done["commit"]
    assert repo.git("rev-parse", "HEAD:tasks/archive/2025/a.yaml") == blob
    assert repo.read("tasks/archive/2025/a.yaml") == HAND
    assert repo.status() == "?? README.md"
    assert not (repo.path / "tasks/sub").exists(), "as git removes the folder of the last file"
    assert paths(repo) == ["tasks/archive/2024/b.yaml", "tasks/archive/2025/a.yaml", "tasks/c.yaml"]
    assert (
        len(repo.git("log", "--follow", "--format=%H", "--", "tasks/archive/2025/a.yaml").splitlines()) == 2
    )


def test_an_archived_task_stays_known(repo: Checkout, baton: Baton) -> None:
    baton("archive")
    assert baton.json("next")["task"]["id"] == "c", "its dependency counts as done"
    assert baton.json("show", "a")["task"]["path"] == "tasks/archive/2025/a.yaml"
    assert baton("add", "A", "--id", "a", "--json", code=1).error["code"] == "taken-id"
    assert baton.json("add", "B")["task"]["id"].startswith("b-")
    assert not baton("list").out.startswith("a ")
    assert "\na " in "\n" + baton("list", "--all").out
    assert baton("validate").out == "every file is valid\n"
    baton("set", "a", "labels+=old")
    assert "labels" in repo.read("tasks/archive/2025/a.yaml")


def test_it_comes_back_as_it_was(repo: Checkout, baton: Baton) -> None:
    tree = repo.git("rev-parse", "HEAD:tasks/a.yaml")
    baton("archive", "a")
    back = baton.json("archive", "--restore", "a")
    assert back["moved"] == [{"id": "a", "from": "tasks/archive/2025/a.yaml", "path": "tasks/a.yaml"}]
    assert repo.git("rev-parse", "HEAD:tasks/a.yaml") == tree
    assert repo.status() == ""
    assert baton("archive", "--restore", "a", "--json", code=1).error["code"] == "not-archived"
    assert baton.json("archive", "a")["moved"][0]["path"] == "tasks/archive/2025/a.yaml"
    assert baton.json("archive", "a")["moved"] == [], "it is there already"


def test_a_dry_run_moves_nothing(repo: Checkout, baton: Baton) -> None:
    before = repo.head()
    assert baton("archive", "--dry-run").out.startswith("would archive a (tasks/archive/2025/a.yaml)\n")
    assert (repo.head(), repo.status()) == (before, "")


def test_what_was_finished_lately_stays_unless_asked(baton: Baton) -> None:
    import time

    now = str(int(time.time()))
    baton.env |= {"GIT_COMMITTER_DATE": f"@{now}", "GIT_AUTHOR_DATE": f"@{now}"}
    baton("set", "c", "status=done")
    done = baton.json("archive")
    assert ([m["id"] for m in done["moved"]], done["young"]) == (["a", "b"], 1)
    assert (
        baton("archive").out
        == "nothing to archive\n1 task was finished lately and stays: --all takes it, too\n"
    )
    assert [m["id"] for m in baton.json("archive", "--all")["moved"]] == ["c"]


def test_a_merge_counts_as_the_change(repo: Checkout, baton: Baton) -> None:
    """The work may have been done long before it arrived."""
    import time

    repo.git("switch", "--quiet", "-c", "side")
    baton("set", "c", "status=done")
    repo.git("switch", "--quiet", "main")
    baton.env |= {"GIT_COMMITTER_DATE": f"@{int(time.time())}"}
    Checkout(repo.path, env=baton.environment()).git("merge", "--quiet", "--no-ff", "-m", "Merge", "side")
    assert baton.json("archive")["young"] == 1


KEPT = [
    ({"tasks/p.yaml": "title: P\n", "tasks/a.yaml": "title: A\nstatus: done\nparent: p\n", "tasks/q.yaml": "title: Q\nparent: p\n"}, "a", "its parent p is not finished"),
    ({"tasks/a.yaml": "title: A\nstatus: cancelled\n"}, "a", "it was cancelled, and c waits for it"),
    ({}, "c", "it is ready"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "task", "reason"), KEPT)
def test_what_must_stay(repo: Checkout, baton: Baton, files: dict[str, str], task: str, reason: str) -> None:
    before = repo.commit({**files})
    refused = baton("archive", task, "b", "--json", code=1).error
    assert (refused["code"], refused["data"]) == ("not-archivable", {task: reason})
    assert repo.head() == before, "nothing of it was done"
    done = baton.json("archive")
    assert "b" in [m["id"] for m in done["moved"]]
    assert done["kept"] == ([{"id": task, "reason": reason}] if files else [])


def test_a_parent_goes_with_its_parts(repo: Checkout, baton: Baton) -> None:
    repo.commit({"tasks/p.yaml": "title: P\n", "tasks/a.yaml": "title: A\nstatus: done\nparent: p\n"})
    assert [m["id"] for m in baton.json("archive")["moved"]] == ["a", "b", "p"]
    assert baton.json("show", "p")["task"]["state"] == "done"


def test_a_live_task_stays(tmp_path: Path) -> None:
    team = Team(tmp_path, {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\n"})
    team.publish("a", {"a.txt": "a\n"})
    team.change({"tasks/a.yaml": "title: A\nstatus: done\n", "tasks/b.yaml": "title: B\nstatus: cancelled\n"})
    who = team.open(team.first).fetched()
    assert archive_tasks(who, days=None).kept == (("a", "its live state is in review"),)
    assert refuse(lambda: archive_tasks(who, ["a"])).data == {"a": "its live state is in review"}


def test_a_claim_that_is_running_stays(tmp_path: Path) -> None:
    team = Team(tmp_path, {"tasks/a.yaml": "title: A\n"}, remote=False)
    take(team.join(), "a")
    team.first.commit({"tasks/a.yaml": "title: A\nstatus: cancelled\n"})
    assert archive_tasks(team.join(), days=None).kept == (("a", "its live state is in progress"),)


def test_work_that_is_not_committed_stays_where_it_is(repo: Checkout, baton: Baton) -> None:
    repo.write({"tasks/a.yaml": HAND + "labels: [mine]\n"})
    assert baton.json("archive")["kept"] == [{"id": "a", "reason": "it has changes that are not committed"}]
    assert repo.read("tasks/a.yaml") == HAND + "labels: [mine]\n"


def test_a_branch_that_is_behind_moves_nothing_back(tmp_path: Path) -> None:
    """Base says done; this branch still says todo: archived here, the old text would meet the new one."""
    repo = make_repository(tmp_path, {**FILES, "tasks/a.yaml": "title: A\n"}, remote=True)
    other = repo.clone("other")
    other.commit({"tasks/a.yaml": "title: A\nstatus: done\n"}, push=True)
    repo.git("fetch", "--quiet")
    done = Baton(repo.path, tmp_path / "home").json("archive")
    assert [m["id"] for m in done["moved"]] == ["b"]
    assert done["kept"] == [
        {"id": "a", "reason": "this branch does not have it as finished yet: merge the base branch first"}
    ]


def test_a_file_in_the_way_stops_it(repo: Checkout, baton: Baton) -> None:
    repo.write({"tasks/archive/2025/a.yaml": "title: Mine\n"})
    refused = baton("archive", "a", "--json", code=1).error
    assert refused["code"] in ("broken-task", "taken-path")
    assert repo.read("tasks/archive/2025/a.yaml") == "title: Mine\n"
    assert "tasks/a.yaml" in paths(repo)


def test_two_branches_that_archive_the_same_task_agree(repo: Checkout, baton: Baton) -> None:
    repo.git("switch", "--quiet", "-c", "side")
    baton("archive", "a")
    repo.git("switch", "--quiet", "main")
    baton("archive")
    repo.git("merge", "--quiet", "-m", "Merge", "side")
    assert paths(repo) == ["tasks/archive/2024/b.yaml", "tasks/archive/2025/a.yaml", "tasks/c.yaml"]


def test_an_edit_on_a_branch_follows_the_move(repo: Checkout, baton: Baton) -> None:
    repo.git("switch", "--quiet", "-c", "side")
    baton("set", "a", "labels+=late")
    repo.git("switch", "--quiet", "main")
    baton("archive")
    repo.git("merge", "--quiet", "-m", "Merge", "side")
    assert repo.read("tasks/archive/2025/a.yaml") == HAND.replace("at last\n", "at last\nlabels:\n  - late\n")


@pytest.mark.promise("edit.none-lost")
def test_many_archivers_at_once(tmp_path: Path) -> None:
    """Each task is moved once, none is lost; edits of others in between are kept."""
    count = 40
    files: dict[str, str | bytes | None] = {
        f"tasks/t{n:02}.yaml": f"# {n}\ntitle: T{n}\nstatus: done\ncreated: 2025-01-01\n"
        for n in range(count)
    }
    repo = make_repository(
        tmp_path, {"tasks/config.yaml": "base: main\n", **files, "tasks/open.yaml": "title: O\n"}
    )
    start = repo.head()
    baton = Baton(repo.path, tmp_path / "home")
    words = [["archive"], ["archive"], ["archive", *(f"t{n:02}" for n in range(0, count, 2))], ["set", "open", "labels+=x"], ["set", "t01", "labels+=late"]]  # fmt: skip
    env = {**baton.environment(), "PYTHONPATH": SOURCE}
    running = [
        subprocess.Popen([sys.executable, "-m", "gitbaton", *w], cwd=repo.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for w in words
    ]  # fmt: skip
    ended = [(p.communicate(timeout=120), p.returncode) for p in running]
    # The edit of a task whose file has just gone elsewhere may be refused, but says so.
    assert [code for _, code in ended[:4]] == [0, 0, 0, 0], ended
    edited = ended[4][1] == 0
    assert paths(repo) == [*(f"tasks/archive/2025/t{n:02}.yaml" for n in range(count)), "tasks/open.yaml"]
    for n in range(count):
        mine = "labels:\n  - late\n" if n == 1 and edited else ""
        text = f"# {n}\ntitle: T{n}\nstatus: done\n{mine}created: 2025-01-01\n"
        assert repo.read(f"tasks/archive/2025/t{n:02}.yaml") == text
    renames = repo.git("log", "--format=", "--diff-filter=R", "-M100%", "--name-only", f"{start}..HEAD")
    assert sorted(renames.split()) == [f"tasks/archive/2025/t{n:02}.yaml" for n in range(count)], (
        "each moved once"
    )
    assert repo.status() == ""


def test_a_thousand_at_once(tmp_path: Path) -> None:
    files: dict[str, str | bytes | None] = {
        f"tasks/a-finished-task-with-a-long-name-{n:04}.yaml": f"title: T{n}\nstatus: done\n" for n in range(1000)
    }  # fmt: skip
    repo = make_repository(tmp_path, {"tasks/config.yaml": "base: main\n", **files})
    done = Baton(repo.path, tmp_path / "home").json("archive")
    assert len(done["moved"]) == 1000
    assert repo.status() == ""


def test_restored_into_the_layout(tmp_path: Path) -> None:
    repo = make_repository(
        tmp_path,
        {**FILES, "tasks/config.yaml": "base: main\nlayout: plan\n", "tasks/plans/p.yaml": "title: P\n", "tasks/a.yaml": HAND + "plan: p\n"},
    )  # fmt: skip
    who = Team.open(Team(tmp_path / "other", {}), repo)
    archive_tasks(who, ["a", "b"])
    assert [m.target for m in restore_tasks(who, ["a", "b"]).moves] == ["tasks/p/a.yaml", "tasks/b.yaml"]


# -- where new tasks go ----------------------------------------------------------------------------------------


def test_layouts() -> None:
    assert task_path("a") == task_path("a", "flat", "p") == task_path("a", "plan") == "tasks/a.yaml"
    assert task_path("a", "plan", "p") == "tasks/p/a.yaml"
    assert (
        task_path("add-login", "shard") == task_path("add-login", "shard", "p") == "tasks/1b/add-login.yaml"
    )
    for name in ("plans", "handoffs", "roles", "workflows", "schemas", "docs", "archive"):
        assert task_path("a", "plan", name) == "tasks/a.yaml", "a folder of that name means something else"
    for layout in ("flat", "plan", "shard"):
        for task in ("a", "add-login", "x" * 64):
            place = classify(task_path(task, layout, "p"))
            assert place
            assert (place.kind, place.id, place.complaint) == ("task", task, None)
    assert is_archived(archive_path("a", 2025))
    assert not is_archived("tasks/archive.yaml")


def test_shards_are_even() -> None:
    folders: dict[str, int] = {}
    for n in range(10_000):
        folder = task_path(f"some-task-{n}", "shard").split("/")[1]
        folders[folder] = folders.get(folder, 0) + 1
    assert len(folders) == 256
    assert max(folders.values()) < 80


def test_add_heeds_the_layout(repo: Checkout, baton: Baton) -> None:
    repo.commit({"tasks/config.yaml": "base: main\nlayout: shard\n"})
    path = baton.json("add", "Add login")["task"]["path"]
    assert path == task_path("add-login", "shard")
    assert repo.read(path).startswith("# yaml-language-server: $schema=../schemas/task.schema.json\n")
    repo.commit({"tasks/config.yaml": "base: main\nlayout: plan\n", "tasks/plans/first.yaml": "title: F\n"})
    assert baton.json("add", "Log out", "--plan", "first")["task"]["path"] == "tasks/first/log-out.yaml"
    assert baton.json("add", "Alone")["task"]["path"] == "tasks/alone.yaml"
    assert baton("validate").out == "every file is valid\n"
    assert {t["id"] for t in baton.json("list", "--ready")["tasks"]} == {"add-login", "log-out", "alone", "c"}


def test_an_edit_while_the_archiver_waits_its_turn_is_not_lost(repo: Checkout, baton: Baton) -> None:
    """It has decided what to move, and read it, when somebody else commits."""
    with queue_writers(open_repository(repo.path)):
        env = {**baton.environment(), "PYTHONPATH": SOURCE}
        archiver = subprocess.Popen(
            [sys.executable, "-m", "gitbaton", "archive"], cwd=repo.path, env=env, stdout=subprocess.PIPE
        )
        while not any(
            line.split()[1] == "->" and line.split()[5] == str(archiver.pid)
            for line in Path("/proc/locks").read_text().splitlines()
        ):
            assert archiver.poll() is None
        late = HAND + "labels: [late]\n"
        repo.commit({"tasks/a.yaml": late, "tasks/sub/b.yaml": None})
    archiver.communicate(timeout=60)
    assert (archiver.returncode, repo.read("tasks/archive/2025/a.yaml")) == (0, late)
    assert paths(repo) == ["tasks/archive/2025/a.yaml", "tasks/c.yaml"], "what was deleted stays deleted"
    assert repo.status() == ""


def test_archived_on_base_without_a_checkout(tmp_path: Path) -> None:
    """A branch is checked out that has its own work; base is archived on the remote, or proposed."""
    repo = make_repository(tmp_path, FILES, remote=True)
    repo.git("switch", "--quiet", "-c", "side")
    repo.write({"tasks/a.yaml": "mine: true\n"})
    baton = Baton(repo.path, tmp_path / "home")
    before = repo.head()
    done = baton.json("archive", "a", "--base")
    assert (done["branch"], done["pushed"], repo.head()) == ("main", True, before)
    assert repo.read("tasks/a.yaml") == "mine: true\n"
    listed = repo.git("ls-tree", "-r", "--name-only", "origin/main", "tasks/").splitlines()
    assert listed == ["tasks/archive/2025/a.yaml", "tasks/c.yaml", "tasks/config.yaml", "tasks/sub/b.yaml"]
    proposed = baton.json("archive", "b", "--propose")
    assert proposed["branch"] not in ("main", "side")
    there = repo.git(
        "ls-tree", "-r", "--name-only", f"origin/{proposed['branch']}", "tasks/archive"
    ).splitlines()
    assert there == ["tasks/archive/2024/b.yaml", "tasks/archive/2025/a.yaml"]
