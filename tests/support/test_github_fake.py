"""The GitHub fake itself: its rules, its git side, and that its checks of the protocol can fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from support import vendor_github_openapi as vendor
from support.github_fake import GitHubFake
from support.github_openapi import Conformance, describe_request, iter_operations
from support.github_operations import ROUTES
from support.hermetic_git import commit_files, git, try_git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.github_repository import HostedRepository


class Reply(NamedTuple):
    status: int
    value: Any
    headers: dict[str, str]


class Hub(NamedTuple):
    """The fake with one repository: ``first`` on main, ``work`` on the branch ``work``."""

    fake: GitHubFake
    hosted: HostedRepository
    checkout: Path
    first: str
    work: str

    def ask(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Reply:
        """``token`` None: one that may do everything; empty: none is sent."""
        value = self.fake.issue_token("octo") if token is None else token
        return ask(self.fake.api_url + "/repos/octo/project" + path, method, body, value)

    def open_pull(self) -> dict[str, Any]:
        reply = self.ask("POST", "/pulls", {"head": "work", "base": "main", "title": "Work"})
        assert reply.status == 201
        pull: dict[str, Any] = reply.value
        return pull


def ask(url: str, method: str, body: object, token: str) -> Reply:
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data, headers, method=method)) as answer:
            text = answer.read()
            return Reply(answer.status, json.loads(text) if text else None, dict(answer.headers))
    except HTTPError as error:
        with error:
            return Reply(error.code, json.loads(error.read()), dict(error.headers))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with GitHubFake(tmp_path / "hosted") as fake:
        hosted = fake.create("octo/project")
        checkout = tmp_path / "checkout"
        git(tmp_path, "clone", "-q", fake.clone_url("octo/project", fake.issue_token("octo")), str(checkout))
        dispatchable = {"a.txt": "one\n", ".github/workflows/run.yml": "on: workflow_dispatch\n"}
        first = commit_files(checkout, {**dispatchable, ".github/workflows/ci.yml": "on: push\n"}, "first")
        git(checkout, "push", "-q", "origin", "HEAD:refs/heads/main")
        work = commit_files(checkout, {"b.txt": "two\n"}, "work")
        git(checkout, "push", "-q", "origin", "HEAD:refs/heads/work")
        yield Hub(fake, hosted, checkout, first, work)


# -- the protocol -----------------------------------------------------------------------------------


def test_every_described_operation_is_served_and_no_other() -> None:
    described = {(method, path) for method, path in vendor.OPERATIONS}
    vendored = {(method, path) for method, path, _ in iter_operations(json.loads(vendor.TARGET.read_text()))}
    served = {(route.method.lower(), route.template) for route in ROUTES}
    assert described == vendored == served


def test_the_vendored_description_is_a_valid_one() -> None:
    description = json.loads(vendor.TARGET.read_text())
    # Prose was left out, and with it the only field that a response must have.
    for _, _, operation in iter_operations(description):
        for response in operation["responses"].values():
            if "$ref" not in response:
                response["description"] = ""
    for response in description["components"]["responses"].values():
        response["description"] = ""
    OpenAPIV30SpecValidator(description).validate()


def test_stripping_leaves_names_and_drops_prose() -> None:
    schema = {
        "title": "A thing",
        "description": "says much",
        "x-github": {"only": "cloud"},
        "properties": {
            "description": {"type": "string", "description": "of the thing"},
            "properties": {"properties": {"title": {"example": 1}}},
            "x-ray": {"type": "string"},
        },
    }
    assert vendor.strip_prose(schema) == {
        "properties": {
            "description": {"type": "string"},
            "properties": {"properties": {"title": {}}},
            "x-ray": {"type": "string"},
        }
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "violation"),
    [
        ("POST", "/pulls", {"head": "work", "base": "main", "titel": "x"}, "'titel' was unexpected"),
        ("POST", "/pulls", {"head": "work"}, "'base' is a required property"),
        ("POST", "/pulls", {"head": "work", "base": "main", "draft": "yes"}, "not of type 'boolean'"),
        ("PUT", "/pulls/1/merge", {"merge_method": "octopus"}, "'octopus' is not one of"),
        ("GET", "/pulls?branch=work", None, "unknown query parameter 'branch'"),
        ("GET", "/pulls?state=opened", None, "'opened' is not one of"),
        ("GET", "/commits", None, "does not know this operation"),
    ],
)
def test_a_wrong_request_is_found(hub: Hub, method: str, path: str, body: object, violation: str) -> None:
    hub.open_pull()
    assert hub.fake.conformance.violations == []
    assert hub.ask(method, path, body).status in {404, 422}
    found = hub.fake.conformance.violations[:]
    hub.fake.conformance.violations.clear()  # else the fake fails this test, which is the point of it
    assert len(found) == 1
    assert violation in found[0]
    assert found[0].startswith(("request", method))


@pytest.mark.parametrize(
    ("change", "violation"),
    [
        ({"number": "1"}, "not of type 'integer'"),
        ({"state": "merged"}, "'merged' is not one of"),
        ({"created_at": "yesterday"}, "is not a 'date-time'"),
        ({"user": None}, "$.user"),
        ({"head": {"ref": "work"}}, "'label' is a required property"),
    ],
)
def test_a_wrong_answer_is_found(hub: Hub, change: dict[str, object], violation: str) -> None:
    pull = hub.open_pull()
    template, values = (
        "/repos/{owner}/{repo}/pulls/{pull_number}",
        {"owner": "o", "repo": "r", "pull_number": "1"},
    )
    headers = {"Content-Type": "application/json"}

    def check(value: object, status: int = 200) -> list[str]:
        conformance = Conformance()
        request = describe_request("GET", template, values, query="", content_type="", body=b"")
        conformance.check_answer(request, status, headers, json.dumps(value).encode())
        return conformance.violations

    assert check(pull) == []
    assert any(violation in found for found in check({**pull, **change}))
    assert check({"message": "I am a teapot"}, 418) != []


def test_a_violation_fails_the_test_that_caused_it(tmp_path: Path) -> None:
    fake = GitHubFake(tmp_path / "hosted")
    with fake:
        fake.create("octo/project")
        ask(fake.api_url + "/repos/octo/project/labels", "GET", None, fake.issue_token("octo"))
        fake.conformance.violations.append("kept")
        assert len(fake.conformance.violations) == 2
        expected, fake.conformance.violations = fake.conformance.violations, []
    fake.conformance.violations = expected
    with pytest.raises(AssertionError, match="GET /api/v3/repos/octo/project/labels"):
        fake.__exit__(None, None, None)


# -- the rules --------------------------------------------------------------------------------------


def test_pull_requests_need_a_difference_and_are_unique(hub: Hub) -> None:
    def refuse(**fields: str) -> object:
        reply = hub.ask("POST", "/pulls", {"base": "main", "head": "work", "title": "Work", **fields})
        assert reply.status == 422
        return reply.value["errors"]

    assert refuse(head="main") == [
        {"resource": "PullRequest", "code": "custom", "message": "No commits between main and main"}
    ]
    assert refuse(head="gone") == [{"resource": "PullRequest", "code": "invalid", "field": "head"}]
    assert refuse(base="gone") == [{"resource": "PullRequest", "code": "invalid", "field": "base"}]
    assert refuse(title="") == [{"resource": "PullRequest", "code": "missing_field", "field": "title"}]
    hub.open_pull()
    assert refuse(head="octo:work") == [
        {
            "resource": "PullRequest",
            "code": "custom",
            "message": "A pull request already exists for octo:work.",
        }
    ]


def test_tokens_and_permissions(hub: Hub) -> None:
    hub.open_pull()
    assert hub.ask("GET", "/pulls", token="").status == 401
    assert hub.ask("GET", "/pulls", token="ghs_x").value["message"] == "Bad credentials"
    weak = hub.fake.issue_token("rita", {"pull_requests": "read"})
    assert hub.ask("GET", "/pulls", token=weak).status == 200
    refused = hub.ask("PATCH", "/pulls/1", {"title": "x"}, token=weak)
    assert (refused.status, refused.headers["X-Accepted-GitHub-Permissions"]) == (403, "pull_requests=write")
    hub.hosted.actions_may_open_pulls = False
    workflow = hub.fake.issue_token("github-actions[bot]", is_workflow=True)
    body = {"head": "work", "base": "main", "title": "Work"}
    assert (
        "GitHub Actions is not permitted" in hub.ask("POST", "/pulls", body, token=workflow).value["message"]
    )
    blind = hub.fake.issue_token("rita", repositories=[])
    assert hub.ask("GET", "", token=blind).status == 404


def test_reviews_are_for_others(hub: Hub) -> None:
    hub.open_pull()
    own = hub.ask("POST", "/pulls/1/reviews", {"event": "APPROVE"})
    assert (own.status, own.value["errors"]) == (422, ["Can not approve your own pull request"])
    rita = hub.fake.issue_token("rita")
    hub.ask("POST", "/pulls/1/reviews", {"event": "REQUEST_CHANGES", "body": "Tests?"}, token=rita)
    listed = hub.ask("GET", "/pulls/1/reviews").value
    assert [(review["user"]["login"], review["state"]) for review in listed] == [
        ("rita", "CHANGES_REQUESTED")
    ]


def test_merging_is_real_and_can_conflict(hub: Hub) -> None:
    assert hub.open_pull()["mergeable"] is True
    git(hub.checkout, "checkout", "-q", "-b", "other", hub.first)
    other = commit_files(hub.checkout, {"b.txt": "else\n"}, "other")
    git(hub.checkout, "push", "-q", "origin", "other")
    hub.ask("POST", "/pulls", {"head": "other", "base": "main", "title": "Other"})

    merged = hub.ask("PUT", "/pulls/1/merge", {"sha": hub.work})
    assert git(hub.hosted.path, "rev-parse", "main", "main^1", "main^2").split() == [
        merged.value["sha"],
        hub.first,
        hub.work,
    ]
    after = hub.ask("GET", "/pulls/1").value
    assert (after["merged"], after["state"], after["merged_by"]["login"]) == (True, "closed", "octo")
    assert hub.ask("PUT", "/pulls/1/merge", {}).status == 405

    assert hub.ask("GET", "/pulls/2").value["mergeable"] is False
    assert hub.ask("PUT", "/pulls/2/merge", {"sha": other}).status == 405
    assert hub.ask("PUT", "/pulls/2/merge", {"sha": hub.work}).status == 409
    assert hub.ask("PUT", "/pulls/2/merge", {"merge_method": "rebase"}).status == 405


def test_pushes_move_close_and_reopen_pull_requests(hub: Hub) -> None:
    hub.open_pull()
    tip = commit_files(hub.checkout, {"b.txt": "three\n"}, "more")
    git(hub.checkout, "push", "-q", "origin", "HEAD:refs/heads/work")
    shown = hub.ask("GET", "/pulls/1").value
    assert (shown["head"]["sha"], shown["commits"], shown["additions"]) == (tip, 2, 1)
    assert hub.hosted.find_oid("refs/pull/1/head") == tip

    git(hub.checkout, "push", "-q", "origin", ":work")
    assert hub.ask("GET", "/pulls/1").value["state"] == "closed"
    assert hub.ask("PATCH", "/pulls/1", {"state": "open"}).status == 422, "its branch is gone"
    git(hub.checkout, "push", "-q", "origin", "HEAD:refs/heads/work")
    assert hub.ask("PATCH", "/pulls/1", {"state": "open", "title": "Again"}).value["title"] == "Again"
    git(hub.checkout, "push", "-q", "origin", "HEAD:refs/heads/main")
    assert hub.ask("GET", "/pulls/1").value["merged"] is True


def test_lists_come_in_pages(hub: Hub) -> None:
    hub.open_pull()
    for n in range(3):
        hub.ask("POST", "/issues/1/comments", {"body": f"number {n}"})
    first = hub.ask("GET", "/issues/1/comments?per_page=2")
    assert [comment["body"] for comment in first.value] == ["number 0", "number 1"]
    following, _, relation = first.headers["Link"].partition(">")
    rest = ask(following.removeprefix("<"), "GET", None, hub.fake.issue_token("octo"))
    assert relation == '; rel="next"'
    assert [comment["body"] for comment in rest.value] == ["number 2"]
    assert "Link" not in rest.headers
    assert hub.ask("POST", "/issues/1/comments", {"body": " "}).status == 422
    assert hub.ask("GET", "/issues/9/comments").status == 404


def test_lists_filter_and_sort(hub: Hub) -> None:
    hub.open_pull()
    git(hub.checkout, "push", "-q", "origin", "HEAD:refs/heads/twin")
    hub.ask("POST", "/pulls", {"head": "twin", "base": "main", "title": "Twin"})
    hub.ask("PATCH", "/pulls/1", {"title": "Touched"})

    def numbers(query: str) -> list[int]:
        return [pull["number"] for pull in hub.ask("GET", f"/pulls{query}").value]

    assert numbers("") == [2, 1]
    assert numbers("?sort=created") == [1, 2]
    assert numbers("?sort=updated&direction=desc") == [1, 2]
    assert numbers("?head=octo:twin") == [2]
    assert numbers("?head=twin") == [2, 1], "GitHub ignores a head without its owner"
    assert numbers("?base=other") == []
    assert numbers("?state=closed") == []


def test_refs_and_branches(hub: Hub) -> None:
    git(hub.checkout, "push", "-q", "origin", "HEAD:refs/heads/baton/one")
    ref = hub.ask("GET", "/git/ref/heads/baton/one").value
    assert (ref["ref"], ref["object"]["sha"]) == ("refs/heads/baton/one", hub.work)
    assert hub.ask("GET", "/git/ref/heads/baton").status == 404
    branch = hub.ask("GET", "/branches/baton/one").value
    assert (branch["commit"]["commit"]["message"], branch["protected"]) == ("work", False)
    assert hub.ask("GET", "/branches/none").status == 404


def test_workflow_dispatch(hub: Hub) -> None:
    path = "/actions/workflows/{}/dispatches"
    body = {"ref": "main", "inputs": {"task": "add-login"}}
    assert hub.ask("POST", path.format("run.yml"), body).status == 204
    assert [(sent.workflow, sent.inputs) for sent in hub.hosted.dispatched] == [("run.yml", body["inputs"])]
    assert hub.ask("POST", path.format("none.yml"), body).status == 404
    assert hub.hosted.dispatched[1:] == []


def test_both_addresses_of_the_api(hub: Hub) -> None:
    for base in (hub.fake.server_url, hub.fake.api_url):
        reply = ask(f"{base}/repos/octo/project", "GET", None, hub.fake.issue_token("octo"))
        assert reply.value["url"] == f"{base}/repos/octo/project"
        assert "Date" in reply.headers


# -- git --------------------------------------------------------------------------------------------


def test_git_needs_a_token_where_github_wants_one(hub: Hub, tmp_path: Path) -> None:
    git(tmp_path, "ls-remote", hub.fake.clone_url("octo/project"))
    git(tmp_path, "ls-remote", hub.fake.clone_url("octo/project").removesuffix(".git"))
    hub.hosted.is_private = True
    assert (
        "could not read Username" in try_git(tmp_path, "ls-remote", hub.fake.clone_url("octo/project")).stderr
    )
    wrong = try_git(tmp_path, "ls-remote", hub.fake.clone_url("octo/project", "ghs_x"))
    assert "Authentication failed" in wrong.stderr
    reader = hub.fake.clone_url("octo/project", hub.fake.issue_token("rita", {"contents": "read"}))
    git(tmp_path, "ls-remote", reader)
    assert "403" in try_git(hub.checkout, "push", reader, "HEAD:refs/heads/x").stderr
    stranger = hub.fake.clone_url("octo/project", hub.fake.issue_token("eve", repositories=[]))
    assert "not found" in try_git(tmp_path, "ls-remote", stranger).stderr


def test_protected_branches_and_pull_refs_refuse_pushes(hub: Hub) -> None:
    hub.hosted.protect("main")
    refused = try_git(hub.checkout, "push", "origin", "HEAD:refs/heads/main", "HEAD:refs/heads/free")
    assert "GH006: Protected branch update failed for refs/heads/main." in refused.stderr
    assert hub.hosted.find_branch("main") == hub.first
    assert hub.hosted.find_branch("free") == hub.work
    hidden = try_git(hub.checkout, "push", "origin", "HEAD:refs/pull/1/head")
    assert "deny updating a hidden ref" in hidden.stderr
