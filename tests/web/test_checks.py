"""Which hosts and origins a server takes, by where it is bound."""

from __future__ import annotations

from email.message import Message

import pytest

from quantbench.web.checks import RefusedError, is_loopback, require_host, stroke_of
from quantbench.web.strokes import Stroke, Strokes


def headers(**values: str) -> Message:
    message = Message()
    for name, value in values.items():
        message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("bound", "host", "taken"),
    [
        ("127.0.0.1", "127.0.0.1:80", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "LOCALHOST:80", True),
        ("::1", "[::1]:80", True),
        ("127.0.0.1", "127.0.0.1:81", False),
        ("127.0.0.1", "192.168.0.7:80", False),
        ("127.0.0.1", "localhost.a.example:80", False),
        ("127.0.0.1", "127.0.0.1.a.example", False),
        ("127.0.0.1", "127.0.0.1/a", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.168.0.7:80", True),  # noqa: S104
        ("0.0.0.0", "a.example:80", False),  # noqa: S104
    ],
)
def test_hosts(bound: str, host: str, *, taken: bool) -> None:
    if taken:
        assert require_host(headers(Host=host), bound, 80) == host
    else:
        with pytest.raises(RefusedError) as caught:
            require_host(headers(Host=host), bound, 80)
        assert caught.value.status == 421


def test_loopback() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1")] == [True] * 3
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1")] == [False] * 3  # noqa: S104


def test_the_newest_drawing_of_each_page_counts() -> None:
    strokes = Strokes()
    first = stroke_of(headers(Quantbench_Page="ab", Quantbench_Stroke="1"))
    assert first == Stroke("ab", 1)
    assert stroke_of(headers()) is None
    strokes.begin(first)
    strokes.begin(Stroke("cd", 5))
    assert not strokes.is_overtaken(first)
    strokes.begin(Stroke("ab", 3))
    strokes.begin(Stroke("ab", 2))
    assert strokes.is_overtaken(Stroke("ab", 2))
    assert not strokes.is_overtaken(Stroke("ab", 3))
    assert not strokes.is_overtaken(None)
    for page in range(100):  # a stranger's pages don't pile up
        strokes.begin(Stroke(f"{page:x}{page:x}", 9))
    assert not strokes.is_overtaken(first)
