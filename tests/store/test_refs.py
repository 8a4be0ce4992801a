"""Shared refs: all updates or none, one winner, and every refusal told apart."""

from __future__ import annotations

import base64
import threading
from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.state import Event, State
from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain, Unreachable
from gitbaton.ports import RefUpdate
from gitbaton.store import refs as refs_module
from gitbaton.store.live import read_tips, write_state
from gitbaton.store.refs import LocalRefs, RemoteRefs, open_refs
from gitbaton.store.repository import open_repository
from support.git_http import GitHttpServer
from support.hermetic_git import git
from support.loopback import Fault
from support.repos import Checkout, Clock, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.promise("fence.all-or-none")

STATE = State(
    task="one",
    status="open",
    event=Event(name="held", id="e1", at="2026-01-31T09:00:00Z", by="Tess"),
    hold="wait",
)
ONE, TWO = "refs/baton/tasks/one", "refs/baton/tasks/two"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "served") as running:
        yield running


@pytest.fixture(params=["file", "http"])
def work(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Checkout]:
    """A clone with one pushed commit, over both transports."""
    if request.param == "file":
        yield make_repository(tmp_path, {"a.txt": "1\n"}, remote=True)
        return
    with GitHttpServer(tmp_path / "served") as running:
        yield over_http(running, tmp_path)


def over_http(server: GitHttpServer, folder: Path, url: str | None = None) -> Checkout:
    """A clone over HTTP; ``url`` instead of the server's plain one."""
    if not (server.root / "p.git").exists():
        server.create("p.git")
    work = make_repository(folder, {"a.txt": "1\n"})
    work.git("remote", "add", "origin", str(server.root / "p.git"))
    work.git("push", "--quiet", "origin", "main")
    work.git("fetch", "--quiet")
    work.git("remote", "set-url", "origin", url or server.url_of("p.git"))
    return Checkout(work.path, server.root / "p.git")


def remote(work: Checkout) -> RemoteRefs:
    refs = open_refs(open_repository(work.path), Clock())
    assert isinstance(refs, RemoteRefs)
    return refs


def make_commit(work: Checkout, *parents: str) -> str:
    """A commit like no other."""
    blob = work.git("hash-object", "-w", "--stdin", stdin=str(work.ids(12)))
    tree = work.git("mktree", stdin=f"100644 blob {blob}\tstate.yaml\n")
    return work.git("commit-tree", tree, *(a for p in parents for a in ("-p", p)), stdin="x")


def on_server(work: Checkout) -> dict[str, str]:
    """All refs of the server but the branches that were there from the start."""
    assert work.remote
    lines = git(work.remote, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {ref: oid for ref, oid in (line.split(" ") for line in lines) if ref != "refs/heads/main"}


def test_create_move_and_delete(work: Checkout) -> None:
    refs = remote(work)
    first = make_commit(work)
    refs.swap([RefUpdate(ONE, first, None)])
    second = make_commit(work, first)
    refs.swap([RefUpdate(ONE, second, first), RefUpdate("refs/heads/baton/one", second, None)])
    assert on_server(work) == {ONE: second, "refs/heads/baton/one": second}
    assert refs.read("refs/baton/tasks/") == {ONE: second}
    assert refs.read("refs/heads/baton/one") == {"refs/heads/baton/one": second}
    refs.swap([RefUpdate(ONE, None, second)])
    assert on_server(work) == {"refs/heads/baton/one": second}
    assert refs.read(ONE) == {}


def test_all_or_none(work: Checkout) -> None:
    refs = remote(work)
    first = make_commit(work)
    refs.swap([RefUpdate(ONE, first, None), RefUpdate(TWO, first, None)])
    second = make_commit(work, first)
    with pytest.raises(LostRace) as lost:
        refs.swap([RefUpdate(ONE, second, first), RefUpdate(TWO, second, second)])
    assert lost.value.data == {"refs": [TWO]}
    with pytest.raises(LostRace):
        refs.swap([RefUpdate(ONE, second, None)])
    with pytest.raises(LostRace):
        refs.swap([RefUpdate("refs/baton/tasks/three", second, first)])
    assert on_server(work) == {ONE: first, TWO: first}


@pytest.mark.promise("claim.one-winner")
def test_one_of_many_creates_a_ref(work: Checkout) -> None:
    clones = [work, *(work_over(work, f"clone{n}") for n in range(3))]
    commits = [make_commit(c) for c in clones]
    start, won = threading.Barrier(len(clones)), []

    def claim(n: int) -> None:
        refs = remote(clones[n])
        start.wait()
        try:
            refs.swap([RefUpdate(ONE, commits[n], None)])
            won.append(commits[n])
        except LostRace:
            pass

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(len(clones))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [on_server(work)[ONE]] == won


def work_over(work: Checkout, name: str) -> Checkout:
    """Another clone of the same server."""
    url = work.git("remote", "get-url", "origin")
    git(work.path.parent, "clone", "--quiet", url, name)
    return Checkout(work.path.parent / name, work.remote, work.ids)


def test_a_fetch_sees_what_others_did(work: Checkout) -> None:
    other = work_over(work, "other")
    first = make_commit(other)
    remote(other).swap([RefUpdate(ONE, first, None), RefUpdate(TWO, first, None)])
    refs = remote(work)
    refs.fetch()
    assert refs.read("refs/baton/tasks/") == {ONE: first, TWO: first}
    remote(other).swap([RefUpdate(ONE, None, first)])
    refs.fetch()
    assert refs.read("refs/baton/tasks/") == {TWO: first}
    assert work.git("branch", "--all", "--list", "*baton*") == ""
    assert refs.fetch_ref("refs/baton/attempts/one/1") is None
    remote(other).swap([RefUpdate("refs/baton/attempts/one/1", first, None)])
    assert refs.fetch_ref("refs/baton/attempts/one/1") == first


def test_a_namespace_of_branches_shows_in_no_branch_list(work: Checkout) -> None:
    work.commit({"tasks/config.yaml": "namespace: refs/heads/baton-state\n"}, push=True)
    first = make_commit(work)
    refs = remote(work)
    refs.swap([RefUpdate("refs/heads/baton-state/tasks/one", first, None)])
    refs.fetch()
    assert refs.read("refs/heads/baton-state/tasks/") == {"refs/heads/baton-state/tasks/one": first}
    assert work.git("branch", "--list") == "* main"


def test_an_empty_remote_and_a_base_that_is_gone(tmp_path: Path) -> None:
    work = make_repository(tmp_path, remote=True)
    remote(work).fetch()
    first = make_commit(work)
    remote(work).swap([RefUpdate(ONE, first, None)])
    work.commit({"a.txt": "1\n"})
    remote(work).fetch()
    assert remote(work).read("refs/baton/tasks/") == {ONE: first}


@pytest.mark.promise("claim.clone-depth")
def test_clones_stay_as_deep_as_they_are(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"a.txt": "1\n"}, remote=True)
    work.commit({"a.txt": "2\n"}, push=True)
    assert work.remote
    git(tmp_path, "clone", "--quiet", "--depth=1", work.remote.as_uri(), "shallow")
    shallow = Checkout(tmp_path / "shallow", work.remote, work.ids)
    work.commit({"a.txt": "3\n"}, push=True)
    for clone, count in [(shallow, "2"), (work, "3")]:
        refs = remote(clone)
        refs.fetch()
        first = make_commit(clone)
        refs.swap([RefUpdate(f"refs/baton/tasks/{clone.path.name}", first, None)])
        assert clone.git("rev-list", "--count", "origin/main") == count
    assert (shallow.path / ".git/shallow").exists()
    assert not (work.path / ".git/shallow").exists()
    done = shallow.commit({"b.txt": "1\n"})
    remote(shallow).swap([RefUpdate("refs/heads/baton/one", done, None)])
    assert on_server(work)["refs/heads/baton/one"] == done


def test_many_fetches_of_one_clone_at_once(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"a.txt": "1\n"}, remote=True)
    other = work.clone("other")
    refs = remote(other)
    for n in range(12):
        refs.swap([RefUpdate(f"refs/baton/tasks/t{n}", make_commit(other), None)])
    failed: list[BaseException] = []

    def fetch() -> None:
        try:
            remote(work).fetch()
        except BaseException as error:  # noqa: BLE001 shown below
            failed.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(remote(work).read("refs/baton/tasks/")) == 12


# -- answers that are lost -------------------------------------------------------------------------------------


@pytest.mark.promise("refusal.read-not-guessed")
def test_a_push_whose_answer_is_lost_has_arrived(server: GitHttpServer, tmp_path: Path) -> None:
    work = over_http(server, tmp_path)
    refs = remote(work)
    first = make_commit(work)
    server.inject(Fault("POST .*receive-pack", after=True, times=2))
    refs.swap([RefUpdate(ONE, first, None), RefUpdate("refs/heads/baton/one", first, None)])
    assert on_server(work) == {ONE: first, "refs/heads/baton/one": first}
    assert refs.read(ONE) == {ONE: first}


@pytest.mark.promise("refusal.read-not-guessed")
def test_a_push_that_is_cut_off_before_has_not(server: GitHttpServer, tmp_path: Path) -> None:
    work = over_http(server, tmp_path)
    server.inject(Fault("POST .*receive-pack", times=2))
    with pytest.raises(Unreachable):
        remote(work).swap([RefUpdate(ONE, make_commit(work), None)])
    assert on_server(work) == {}


@pytest.mark.promise("refusal.read-not-guessed")
def test_where_the_remote_stays_silent_nothing_is_claimed_to_be_known(
    server: GitHttpServer, tmp_path: Path
) -> None:
    work = over_http(server, tmp_path)
    server.inject(Fault("POST .*receive-pack", after=True, times=2))
    server.inject(Fault("upload-pack", status=503, times=9))
    with pytest.raises(Unreachable, match="not known whether the push arrived"):
        remote(work).swap([RefUpdate(ONE, make_commit(work), None)])


@pytest.mark.promise("refusal.read-not-guessed", "claim.one-winner")
def test_an_answer_lost_after_somebody_else_won(server: GitHttpServer, tmp_path: Path) -> None:
    work = over_http(server, tmp_path)
    theirs = make_commit(work)
    remote(work).swap([RefUpdate(ONE, theirs, None)])
    server.inject(Fault("POST .*receive-pack", after=True, times=2))
    with pytest.raises(LostRace):
        remote(work).swap([RefUpdate(ONE, make_commit(work), None)])
    assert on_server(work) == {ONE: theirs}


# -- refusals told apart ---------------------------------------------------------------------------------------


def refuse(work: Checkout, *updates: RefUpdate) -> BatonError:
    """The error of a push that must change nothing."""
    before = on_server(work)
    with pytest.raises(BatonError) as refused:
        # Numbers and words in names must not be taken for the server's.
        remote(work).swap(
            updates or [RefUpdate("refs/baton/tasks/fix-403-not-found-ssl", make_commit(work), None)]
        )
    assert on_server(work) == before
    return refused.value


def install_hook(work: Checkout, name: str, text: str) -> None:
    assert work.remote
    hook = work.remote / "hooks" / name
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{text}\n")
    hook.chmod(0o755)


@pytest.mark.promise("refusal.told-apart")
def test_a_hook_that_declines(work: Checkout) -> None:
    install_hook(work, "pre-receive", "echo 'no refs like these before 403 o-clock' >&2; exit 1")
    error = refuse(work)
    assert (type(error), error.code) == (Refusal, "push-refused")
    assert error.message == "the remote refused the push: no refs like these before 403 o-clock"


@pytest.mark.promise("refusal.told-apart")
def test_a_hook_that_declines_one_of_two(work: Checkout) -> None:
    install_hook(work, "update", 'case "$1" in refs/heads/*) echo "protected branch" >&2; exit 1 ;; esac')
    commit = make_commit(work)
    error = refuse(work, RefUpdate(ONE, commit, None), RefUpdate("refs/heads/baton/one", commit, None))
    assert (error.code, "protected branch" in error.message) == ("push-refused", True)


@pytest.mark.promise("refusal.told-apart")
def test_hidden_refs(work: Checkout) -> None:
    assert work.remote
    git(work.remote, "config", "receive.hideRefs", "refs/baton")
    error = refuse(work)
    assert (type(error), error.code) == (Refusal, "namespace-refused")
    assert "namespace: refs/heads/" in (error.hint or "")


def test_a_server_without_atomic_pushes(work: Checkout) -> None:
    assert work.remote
    git(work.remote, "config", "receive.advertiseAtomic", "false")
    commit = make_commit(work)
    error = refuse(work, RefUpdate(ONE, commit, None), RefUpdate(TWO, commit, None))
    assert (type(error), error.code) == (Refusal, "no-atomic-push")
    remote(work).swap([RefUpdate(ONE, commit, None)])
    assert on_server(work) == {ONE: commit}


@pytest.mark.promise("refusal.told-apart")
def test_a_branch_in_the_way(work: Checkout) -> None:
    work.git("push", "--quiet", "origin", "main:refs/heads/baton")
    error = refuse(work, RefUpdate("refs/heads/baton/one", make_commit(work), None))
    assert (type(error), error.code) == (Refusal, "ref-in-the-way")
    assert "refs/heads/baton/one" in error.message


@pytest.mark.promise("refusal.told-apart")
def test_a_lock_left_on_the_server(work: Checkout) -> None:
    assert work.remote
    (work.remote / "refs/baton/tasks").mkdir(parents=True)
    (work.remote / "refs/baton/tasks/one.lock").touch()
    error = refuse(work, RefUpdate(ONE, make_commit(work), None))
    assert (type(error), error.code) == (TryAgain, "ref-locked")


@pytest.mark.promise("refusal.told-apart")
def test_a_fetch_that_meets_another_waits_and_then_says_so(
    work: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock is a lock, whoever holds it: gone in time, nobody hears of it; else it is no bug, but a reason to try again."""
    remote(work).swap([RefUpdate(ONE, make_commit(work), None)])
    work.git("update-ref", "-d", "refs/baton/remote/tasks/one")
    lock = work.path / ".git/refs/baton/remote/tasks/one.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    waits: list[float] = []
    monkeypatch.setattr(refs_module, "sleep", waits.append)
    with pytest.raises(TryAgain) as met:
        remote(work).fetch()
    assert met.value.code == "ref-locked"
    assert len(waits) == 5
    assert all(0.02 * 2**n <= wait <= 0.06 * 2**n for n, wait in enumerate(waits, 1)), waits
    assert len({wait / 2**n for n, wait in enumerate(waits)}) > 1, "drawn, so that those who met part"
    monkeypatch.setattr(refs_module, "sleep", lambda _: lock.unlink())
    refs = remote(work)
    refs.fetch()
    assert list(refs.read("refs/baton/tasks/")) == [ONE]


@pytest.mark.promise("refusal.told-apart")
def test_a_protected_deletion(work: Checkout) -> None:
    assert work.remote
    commit = make_commit(work)
    remote(work).swap([RefUpdate("refs/heads/baton/one", commit, None)])
    git(work.remote, "config", "receive.denyDeletes", "true")
    error = refuse(work, RefUpdate("refs/heads/baton/one", None, commit))
    assert error.code == "push-refused"


@pytest.mark.promise("refusal.told-apart")
def test_a_remote_that_is_not_there(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"a.txt": "1\n"}, remote=True)
    assert work.remote
    work.remote.rename(tmp_path / "moved")
    for act in (remote(work).fetch, lambda: remote(work).swap([RefUpdate(ONE, make_commit(work), None)])):
        with pytest.raises(Unreachable) as refused:
            act()
        assert refused.value.code == "no-remote-repository"


@pytest.mark.promise("refusal.told-apart")
def test_a_host_that_does_not_answer(server: GitHttpServer, tmp_path: Path) -> None:
    work = over_http(server, tmp_path)
    work.git("remote", "set-url", "origin", "http://127.0.0.1:1/p.git")
    for act in (remote(work).fetch, lambda: remote(work).swap([RefUpdate(ONE, make_commit(work), None)])):
        with pytest.raises(Unreachable) as refused:
            act()
        assert refused.value.code == "unreachable"


@pytest.mark.promise("refusal.told-apart")
@pytest.mark.parametrize(("status", "code", "kind"), [
    (401, "no-permission", Refusal), (403, "no-permission", Refusal), (404, "no-remote-repository", Unreachable),
    (429, "unreachable", Unreachable), (500, "unreachable", Unreachable), (503, "unreachable", Unreachable),
])  # fmt: skip
@pytest.mark.parametrize("where", ["info/refs.*receive-pack", "POST .*receive-pack", "upload-pack"])
def test_status_codes(
    server: GitHttpServer, tmp_path: Path, status: int, code: str, kind: type[BatonError], where: str
) -> None:
    work = over_http(server, tmp_path)
    server.inject(Fault(where, status=status, times=2))
    refs = remote(work)
    update = RefUpdate(ONE, make_commit(work), None)
    with pytest.raises(BatonError) as refused:
        refs.fetch() if where == "upload-pack" else refs.swap([update])
    assert (type(refused.value), refused.value.code) == (kind, code)
    assert on_server(work) == {}


@pytest.mark.promise("refusal.told-apart")
def test_credentials(tmp_path: Path) -> None:
    users = {"tess": "sesame", "rita": "reads"}
    with GitHttpServer(tmp_path / "served", users=users, readers={"rita"}) as server:
        server.create("p.git")
        work = over_http(server, tmp_path, server.url_of("p.git", "tess:sesame"))
        first = make_commit(work)
        remote(work).swap([RefUpdate(ONE, first, None)])
        remote(work).fetch()
        assert on_server(work) == {ONE: first}

        work.git("remote", "set-url", "origin", server.url_of("p.git", "rita:reads"))
        remote(work).fetch()
        assert refuse(work).code == "no-permission"

        for login in ("", "tess:wrong"):
            work.git("remote", "set-url", "origin", server.url_of("p.git", login))
            assert refuse(work).code == "no-permission"
            with pytest.raises(Refusal, match="does not let you fetch"):
                remote(work).fetch()

        # As actions/checkout leaves it: a header in the configuration.
        work.git("remote", "set-url", "origin", server.url_of("p.git"))
        coded = base64.b64encode(b"tess:sesame").decode()
        work.git("config", f"http.{server.url}/.extraheader", f"AUTHORIZATION: basic {coded}")
        remote(work).swap([RefUpdate(ONE, make_commit(work, first), first)])
        # And as a helper.
        work.git("config", "--unset", f"http.{server.url}/.extraheader")
        work.git("config", "credential.helper", "!f() { echo username=tess; echo password=sesame; }; f")
        remote(work).fetch()
        assert remote(work).read(ONE) == on_server(work)


@pytest.mark.promise("refusal.told-apart")
@pytest.mark.parametrize("limit", ["receive.maxInputSize", "a hook"])
def test_a_push_that_is_too_large(work: Checkout, limit: str) -> None:
    assert work.remote
    if limit == "a hook":  # as hosting services say it
        install_hook(work, "pre-receive", "echo 'error: GH001: Large files detected: 101 MB' >&2; exit 1")
    else:
        git(work.remote, "config", "receive.maxInputSize", "200")
    work.write({"big.bin": bytes(range(256)) * 400})
    blob = work.git("hash-object", "-w", "big.bin")
    tree = work.git("mktree", stdin=f"100644 blob {blob}\tbig.bin\n")
    commit = work.git("commit-tree", tree, stdin="x")
    error = refuse(work, RefUpdate(ONE, commit, None))
    assert isinstance(error, Refusal)
    assert error.code == "push-refused"
    assert "size limit" in (error.hint or "")


@pytest.mark.promise("state.tip-says-everything")
def test_a_remote_without_our_refs(work: Checkout) -> None:
    """Nothing was ever claimed there, and branches and tags of others are none of ours."""
    work.git("tag", "v1")
    work.git("push", "--quiet", str(work.remote), "v1", "main:refs/heads/baton-like")
    refs = remote(work)
    refs.fetch()
    assert refs.read("refs/baton/tasks/") == {}
    assert read_tips(open_repository(work.path)) == ({}, {}, {})
    assert work.git("for-each-ref", "refs/baton") == ""


@pytest.mark.promise("state.unreadable")
def test_refs_that_no_task_can_have(work: Checkout) -> None:
    """Whoever may push may push any name; such a ref is told of, and nothing else suffers."""
    good = write_state(open_repository(work.path), STATE, None)
    odd = ["UPPER", "nested/task", "config", "-x", "x" * 80, "übung", "con"]
    remote(work).swap([RefUpdate(ONE, good, None)])
    assert work.remote
    for name in odd:
        git(work.remote, "update-ref", f"refs/baton/tasks/{name}", good)
    refs = remote(work)
    refs.fetch()
    tips = read_tips(open_repository(work.path))
    assert list(tips.states) == ["one"]
    assert sorted(tips.unreadable) == sorted(odd)
    assert all(problems for problems in tips.unreadable.values())


@pytest.mark.promise("claim.one-winner")
def test_fetches_that_prune_while_others_create(work: Checkout) -> None:
    """Refs come and go while clones fetch with ``--prune``: no fetch fails, and the last one sees what is there."""
    clones = [work_over(work, f"clone{n}") for n in range(3)]
    failed: list[BaseException] = []
    stop = threading.Event()

    def look(clone: Checkout) -> None:
        try:
            while not stop.is_set():
                remote(clone).fetch()
        except BaseException as error:  # noqa: BLE001 shown below
            failed.append(error)

    lookers = [threading.Thread(target=look, args=(clone,)) for clone in (*clones[:2], clones[0])]
    for thread in lookers:
        thread.start()
    refs = remote(clones[2])
    for n in range(6):
        first = make_commit(clones[2])
        refs.swap([RefUpdate(ONE, first, None), RefUpdate(f"refs/baton/tasks/t{n}", first, None)])
        refs.swap([RefUpdate(ONE, None, first)])
    stop.set()
    for thread in lookers:
        thread.join()
    assert failed == []
    for clone in clones:
        remote(clone).fetch()
        assert remote(clone).read("refs/baton/tasks/") == on_server(work)
    assert sorted(on_server(work)) == [f"refs/baton/tasks/t{n}" for n in range(6)]


@pytest.mark.promise("refusal.told-apart")
def test_a_remote_folder_that_may_only_be_read(tmp_path: Path) -> None:
    """Root may write everywhere, so git's own words stand in for a disk that refuses."""
    work = make_repository(tmp_path, {"a.txt": "1\n"}, remote=True)
    assert work.remote
    install_hook(
        work,
        "reference-transaction",
        'test "$1" = prepared && { echo "fatal: Permission denied" >&2; exit 1; }; exit 0',
    )
    error = refuse(work)
    assert isinstance(error, Refusal)
    assert error.code in ("no-permission", "push-refused")


def test_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = make_repository(tmp_path, {"a.txt": "1\n"}, remote=True)
    refs = remote(work)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(Refusal) as refused:
        open_repository(work.path)
    assert refused.value.code == "dubious-ownership"
    assert f"safe.directory '{work.path}'" in (refused.value.hint or "")
    with pytest.raises(Refusal) as refused:
        refs.fetch()
    assert refused.value.code == "dubious-ownership"


@pytest.mark.promise("refusal.own-settings")
def test_hooks_of_the_clone_do_not_run(work: Checkout) -> None:
    hooks = work.path / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-push", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{work.path}/../ran'\nexit 1\n")
        (hooks / name).chmod(0o755)
    refs = remote(work)
    refs.swap([RefUpdate(ONE, make_commit(work), None)])
    refs.fetch()
    assert not (work.path.parent / "ran").exists()


@pytest.mark.promise("refusal.own-settings")
def test_push_settings_of_the_person_change_nothing(work: Checkout) -> None:
    for name, value in {
        "push.followTags": "true", "push.gpgSign": "false", "remote.origin.mirror": "false", "push.default": "matching",
        "remote.origin.push": "refs/heads/*:refs/heads/*", "fetch.prune": "true", "fetch.pruneTags": "true",
        "remote.origin.tagOpt": "--tags", "push.useForceIfIncludes": "true",
    }.items():  # fmt: skip
        work.git("config", name, value)
    work.git("tag", "-a", "-m", "t", "v1")
    work.git("branch", "mine")
    refs = remote(work)
    first = make_commit(work)
    refs.swap([RefUpdate(ONE, first, None)])
    refs.fetch()
    assert on_server(work) == {ONE: first}
    assert work.git("tag", "--list") == "v1"
    assert work.git("rev-parse", "mine") == work.head()


# -- without a remote ------------------------------------------------------------------------------------------


@pytest.fixture
def alone(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {"a.txt": "1\n"})


def local(work: Checkout) -> LocalRefs:
    refs = open_refs(open_repository(work.path), Clock())
    assert isinstance(refs, LocalRefs)
    return refs


def test_local_refs_move_together(alone: Checkout) -> None:
    refs = local(alone)
    first = make_commit(alone)
    refs.swap([RefUpdate(ONE, first, None), RefUpdate(TWO, first, None)])
    second = make_commit(alone, first)
    with pytest.raises(LostRace) as lost:
        refs.swap([RefUpdate(ONE, second, first), RefUpdate(TWO, second, None)])
    assert lost.value.data == {"refs": [TWO]}
    assert refs.read("refs/baton/tasks/") == {ONE: first, TWO: first}
    refs.swap([RefUpdate(ONE, second, first), RefUpdate(TWO, None, first)])
    assert refs.read("refs/baton/tasks/") == {ONE: second}


def test_local_refs_in_the_way_and_locked(alone: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refs_module, "_TRIES", 2)
    refs = local(alone)
    alone.git("branch", "baton")
    with pytest.raises(Refusal) as refused:
        refs.swap([RefUpdate("refs/heads/baton/one", alone.head(), None)])
    assert refused.value.code == "ref-in-the-way"
    (alone.path / ".git/refs/baton/tasks").mkdir(parents=True)
    (alone.path / ".git/refs/baton/tasks/one.lock").touch()
    with pytest.raises(TryAgain) as locked:
        refs.swap([RefUpdate(ONE, alone.head(), None)])
    assert locked.value.code == "ref-locked"


def test_refs_of_a_repository_of_sha256(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", "work")
    bare = tmp_path / "work.git"
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--bare", "--initial-branch=main", str(bare))
    work = Checkout(tmp_path / "work", bare)
    work.commit({"a.txt": "1\n"})
    refs = local(work)
    first = make_commit(work)
    refs.swap([RefUpdate(ONE, first, None)])
    refs.swap([RefUpdate(ONE, None, first)])
    work.git("remote", "add", "origin", bare.as_uri())
    work.git("push", "--quiet", "origin", "main")
    shared = remote(work)
    shared.swap([RefUpdate(ONE, first, None)])
    shared.fetch()
    assert on_server(work) == {ONE: first}
