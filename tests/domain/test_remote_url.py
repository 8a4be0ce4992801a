"""Remote URLs of every form that git takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.remote_url import RemoteRepository, parse_remote_url


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://github.com/octo/project", "github.com"),
        ("https://github.com/octo/project.git", "github.com"),
        ("https://github.com/octo/project/", "github.com"),
        ("https://GitHub.com:443/octo/project.git", "github.com"),
        ("https://www.github.com/octo/project", "github.com"),
        ("https://x-access-token:ghs_secret@github.com/octo/project.git", "github.com"),
        ("https://forge.example:8443/octo/project.git", "forge.example:8443"),
        ("http://127.0.0.1:4000/octo/project.git", "127.0.0.1:4000"),
        ("http://forge.example:80/octo/project", "forge.example"),
        ("https://[::1]:8443/octo/project", "[::1]:8443"),
        ("git@github.com:octo/project.git", "github.com"),
        ("git@github.com:/octo/project.git", "github.com"),
        ("github.com:octo/project", "github.com"),
        ("org-123@github.com:octo/project.git", "github.com"),
        ("ssh://git@github.com/octo/project.git", "github.com"),
        ("ssh://git@ssh.github.com:443/octo/project.git", "github.com"),
        ("ssh://git@forge.example:2222/octo/project.git", "forge.example"),
        ("git+ssh://git@forge.example/octo/project.git", "forge.example"),
        ("git://forge.example:9418/octo/project.git", "forge.example"),
    ],
)
def test_forms(url: str, host: str) -> None:
    assert parse_remote_url(url) == RemoteRepository(host, "octo", "project")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/git/project.git",
        "../project.git",
        "./octo/project:x",
        "octo/project",
        "file:///srv/octo/project.git",
        r"C:\octo\project",
        "C:/octo/project",
        "https://github.com/octo",
        "https://github.com/group/sub/project",
        "https://github.com//project",
        "https://github.com/octo/..",
        "https://github.com/octo/.git",
        "https://github.com/-octo/project",
        "https://github.com/octo/pro%6Aect",
        "https://github.com/octo/project?x=1",
        "https://github.com/octo/project#readme",
        "https://github.com:port/octo/project",
        "https://[::1/octo/project",
        "https:///octo/project",
        "ftp://github.com/octo/project",
        "https://github.com/octo/pro\nject",
        "git@github.com:octo/pro\tject",
        " https://github.com/octo/project",
        "ext::sh -c evil",
    ],
)
def test_no_hosted_repository(url: str) -> None:
    assert parse_remote_url(url) is None


@pytest.mark.parametrize(
    ("host", "api_url"),
    [
        ("github.com", "https://api.github.com"),
        ("octo.ghe.com", "https://api.octo.ghe.com"),
        ("forge.example:8443", "https://forge.example:8443/api/v3"),
    ],
)
def test_api_url(host: str, api_url: str) -> None:
    assert RemoteRepository(host, "octo", "project").api_url == api_url


OWNERS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?", fullmatch=True)
NAMES = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True).filter(
    lambda name: name not in {".", ".."} and not name.endswith(".git")
)
HOSTS = st.from_regex(r"[a-z0-9]{1,8}(\.[a-z0-9]{2,8}){1,2}", fullmatch=True)
FORMS = st.sampled_from(
    [
        "https://{host}/{owner}/{name}",
        "https://user:password@{host}/{owner}/{name}.git",
        "ssh://git@{host}:2222/{owner}/{name}.git/",
        "git@{host}:{owner}/{name}.git",
        "{host}:{owner}/{name}",
    ]
)


@given(form=FORMS, host=HOSTS, owner=OWNERS, name=NAMES)
def test_every_form_names_the_same_repository(form: str, host: str, owner: str, name: str) -> None:
    found = parse_remote_url(form.format(host=host, owner=owner, name=name))
    assert found == RemoteRepository(host, owner, name)
    assert found.full_name == f"{owner}/{name}"


@given(st.one_of(st.text(), st.text(alphabet="htps:/@.-gitcom[]#?%\\ \n", max_size=40)))
def test_any_text_is_answered(text: str) -> None:
    found = parse_remote_url(text)
    if found is not None:
        assert found.host
        assert "/" not in found.owner + found.name
        assert not found.name.startswith("/")
