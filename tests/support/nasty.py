"""What nobody means to write and somebody will: bytes for files, names for files and refs."""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis import strategies as st

SOAK = bool(os.environ.get("GITBATON_SOAK"))
#: How much a property is tried: bounded in the suite, at length in a soak.
FEW = settings(max_examples=300 if SOAK else 25, deadline=None)
MANY = settings(max_examples=20_000 if SOAK else 400, deadline=None)

TASK = b"title: T\nstatus: todo\n\npriority: low\ndepends_on: [a, b]\nrun:\n  timeout: 10m\n"
#: One sound document of each kind.
SOUND = {
    "task": TASK,
    "plan": b"title: P\ntasks: [a]\n",
    "config": b"base: main\nretries: {attempts: 2}\nagents:\n  x: {adapter: command, command: [a]}\n",
    "role": b"purpose: p\n",
    "handoff": b"task: a\nsummary: s\n",
    "workflow": b"title: w\nsteps:\n  - id: a\n    title: a\n",
    "state": (
        b"task: a\nstatus: in_progress\nevent: {name: claimed, id: x, at: '2026-01-31T09:00:00Z', by: me}\nrun: r\n"
        b"lease: '2026-01-31T10:00:00Z'\nattempt: 1\n"
        b"attempts:\n  - {number: 1, run: r, agent: a, started: '2026-01-31T09:00:00Z'}\n"
    ),
}
_BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % ((98 + n, 98 + n) + (97 + n,) * 9) for n in range(9)
)
#: Whole files, by what is wrong with them. Each must be told as a problem.
FILES = {
    "empty": b"",
    "comment": b"# nothing\n",
    "nul": b"title: a\0b\n",
    "nuls": b"\0" * 4096,
    "latin1": b"title: caf\xe9\n",
    "surrogate": b"title: \xed\xa0\x80\n",
    "utf16": "title: T\n".encode("utf-16"),
    "inner-bom": b"title: T\n\xef\xbb\xbfstatus: todo\n",
    "conflict": b"<<<<<<< HEAD\ntitle: a\n=======\ntitle: b\n>>>>>>> other\n",
    "half-conflict": b"title: a\n=======\ntitle: b\n",
    "bomb": _BOMB,
    "deep-flow": b"x-a: " + b"[" * 50_000,
    "deep-closed": b"title: t\nx-a: " + b"[" * 5000 + b"]" * 5000 + b"\n",
    "deep-block": b"title: t\nx-a:\n" + b"".join(b" " * n + b"-\n" for n in range(1, 800)),
    "deep-map": b"{a: " * 20_000,
    "merge-key": b"<<: {title: a}\n",
    "tag": b"title: !!python/object/apply:os.system [true]\n",
    "huge": b"title: t\ndescription: " + b"x" * 10_000_000 + b"\n",
    "huge-lines": b"# x\n" * 2_500_000,
    "two-documents": b"title: a\n---\ntitle: b\n",
    "big-number": b"title: t\nversion: " + b"9" * 10_000 + b"\n",
    "float": b"title: t\nversion: 1e999\n",
    "nan": b"title: t\nversion: .nan\n",
    "list": b"- a\n",
    "scalar": b"hello\n",
    "tabs": b"title: t\nrun:\n\ttimeout: 1m\n",
    "bad-escape": b'title: "\\x"\n',
    "escaped-surrogate": b'title: "\\ud800"\n',
    "many-problems": b"".join(b"field%d: 1\n" % n for n in range(5000)),
    "long-key": b"x" * 100_000 + b": 1\n",
}
#: Files that look odd and are sound tasks.
ODD_BUT_SOUND = {
    "bom": b"\xef\xbb\xbftitle: T\n",
    "crlf": b"title: T\r\nstatus: todo\r\n",
    "cr": b"title: T\rstatus: todo\r",
    "no-line-end": b"title: T",
    "long-line": b"title: T\ndescription: " + b"x" * 900_000,
    "markers-in-text": b"title: T\ndescription: |\n  <<<<<<< not one\n",
}
_FRAGMENTS = [
    b"title: T", b"status: todo", b"status:", b"parent: a", b"depends_on:", b"  - a", b"- ", b"[", b"]", b"{", b"}", b"&a", b"*a",
    b"!t", b"|", b">", b"%TAG ! x", b"---", b"...", b"<<<<<<< a", b"=======", b">>>>>>> b", b"'", b'"', b"\t", b"\r", b"\0", b"\xff",
    b"\xef\xbb\xbf", b"? a", b": b", b"# c", b"run: {timeout: 1m}", b"run:", b"  timeout: 1h", b"x-a: ~", b"version: 012", b"\xe2\x80\xa8",
    b"title: 'it''s'", b"labels: [a, b", b"a: b: c", b"priority: high", b"  ", b"created: 2026-01-31", b"lease: soon", b"lease: '9999-12-31T23:59:59-23:59'",
]  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A sound document to which things were done."""
    data = draw(st.sampled_from(list(SOUND.values())))
    for _ in range(draw(st.integers(1, 4))):
        at, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        piece = draw(st.one_of(st.sampled_from(_FRAGMENTS), st.binary(max_size=4), st.just(data[at:end])))
        data = data[:at] + piece + data[draw(st.sampled_from([at, end])) :]
    return data


#: Bytes of a file, from noise to almost right.
file_bytes = st.one_of(
    mangled(),
    st.lists(st.sampled_from(_FRAGMENTS), max_size=8).map(b"\n".join),
    st.binary(max_size=60),
    st.sampled_from([data for data in FILES.values() if len(data) < 10_000]),
)
#: Words that somebody may give on a command line, or a model to a tool.
words = st.one_of(
    st.sampled_from(
        ["", " ", "-", "--", "-x", "--json", "--help", "a", "b", "A", "nope", "a/b", "../a", "..", "a..b", "a.lock", "con", "x=y", "=",
         "priority=high", "priority=", "status=done", "depends_on+=b", "depends_on-=b", "title=", "run.timeout=1m", "run=1", "x-a=[", "--id",
         "--base", "--push", "--field", "--state", "--title", "a\nb", "\x1b[2J", "ü" * 300, "\ud800", "\0", "9" * 400, "hold=", "parent=a", "labels=[a, b]"]
    ),
    st.text(max_size=8),
)  # fmt: skip
