"""The server answers drawings, refuses all else with a reason, and stays up."""

from __future__ import annotations

import html
import io
import json
import socket
import struct
import threading
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from quantbench.data import preprocess
from quantbench.data.mnist import SPEC
from quantbench.errors import UnavailableError
from quantbench.tasks.digit import read_digit
from quantbench.web.answering import Answering
from quantbench.web.checks import MAX_BYTES
from quantbench.web.server import Server, Site
from tests.web.builder import PNG, SEVEN, StubRow, ask, drawing, served


@pytest.fixture
def row() -> StubRow:
    return StubRow()


@pytest.fixture
def server(row: StubRow) -> Iterator[Server]:
    with served(Answering(SPEC, [row]), (row.name,)) as running:
        yield running


def bomb() -> bytes:
    """A PNG of 40,000 x 40,000 pixels in its header, and hardly a byte of them."""
    size = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", size), (b"IDAT", zlib.compress(bytes(100_000))), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def gif() -> bytes:
    file = io.BytesIO()
    Image.new("L", (28, 28)).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_drawing_is_answered_as_predict_prepares_it(
    server: Server, row: StubRow, kind: str
) -> None:
    picture = drawing(SEVEN, kind.upper())
    status, text, headers = ask(
        server, "POST", "/answer", picture, {"Content-Type": f"image/{kind}"}
    )
    assert (status, headers["Content-Type"]) == (200, "application/json")
    digit = read_digit(picture, "it")
    (answer,) = json.loads(text)["rows"]
    assert json.loads(text)["pixels"] == digit.reshape(-1).tolist()
    assert (answer["row"], answer["microseconds"], answer["fault"]) == (row.name, 12.5, "")
    assert int(np.argmax(answer["probabilities"])) == 7
    assert np.array_equal(row.asked[-1], preprocess(digit[np.newaxis], SPEC))


def test_the_page_is_given_with_a_policy_and_no_cache(server: Server) -> None:
    status, text, headers = ask(server, "GET", "/")
    assert status == 200
    assert "connect-src 'self'" in html.unescape(text)
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    status, body, headers = ask(server, "HEAD", "/")
    assert (status, body, int(headers["Content-Length"])) == (200, "", len(text.encode()))


BAD = {
    "no picture": (drawing(SEVEN)[:60], PNG, 422, "can't be decoded"),
    "text": (b"a seven", PNG, 422, "can't be decoded as PNG or JPEG"),
    "another format": (gif(), PNG, 422, "can't be decoded as PNG or JPEG"),
    "a bomb": (bomb(), PNG, 422, "too many pixels|million pixels"),
    "an empty drawing": (drawing(), PNG, 422, "holds no digit"),
    "no bytes": (b"", PNG, 400, "empty"),
    "too large": (bytes(MAX_BYTES + 1), PNG, 413, "over 16 MiB"),
    "wrong type": (drawing(SEVEN), {"Content-Type": "text/plain"}, 415, "image/png"),
    "no type": (drawing(SEVEN), {}, 415, "image/png"),
    "other origin": (drawing(SEVEN), PNG | {"Origin": "http://a.example"}, 403, "origin"),
    "sandboxed": (drawing(SEVEN), PNG | {"Origin": "null"}, 403, "origin"),
    "other site": (drawing(SEVEN), PNG | {"Sec-Fetch-Site": "cross-site"}, 403, "site"),
    "rebound": (drawing(SEVEN), PNG | {"Host": "a.example"}, 421, "isn't the host"),
    "half numbered": (drawing(SEVEN), PNG | {"Quantbench-Stroke": "1"}, 400, "together"),
    "no number": (
        drawing(SEVEN), PNG | {"Quantbench-Page": "a", "Quantbench-Stroke": "-1"}, 400, "together",
    ),
}  # fmt: skip


def test_bad_requests_are_refused_with_a_reason_and_the_server_stays(
    server: Server, row: StubRow
) -> None:
    for name, (body, headers, status, reason) in BAD.items():
        given, text, _ = ask(server, "POST", "/answer", body, headers)
        assert (given, text.count("\n"), text[-1]) == (status, 1, "\n"), name
        assert any(words in text for words in reason.split("|")), (name, text)
    assert row.asked == []
    assert ask(server, "POST", "/answer", drawing(SEVEN), PNG)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/answer", 405, "POST"),
        ("POST", "/", 405, "GET, HEAD"),
        ("DELETE", "/", 405, "GET, HEAD"),
        ("BREW", "/answer", 405, "POST"),
        ("GET", "/../../etc/passwd", 404, None),
        ("GET", "/answer/..", 404, None),
        ("GET", "/?x=1", 404, None),
        ("GET", "//a.example/", 404, None),
    ],
)
def test_wrong_paths_and_methods(
    server: Server, method: str, path: str, status: int, allow: str | None
) -> None:
    given, text, headers = ask(server, method, path)
    assert (given, headers["Allow"], text.count("\n")) == (status, allow, 1)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x00\xff\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: {host}\r\nHost: a.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: [\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: {host}@a.example\r\n\r\n", 421),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"POST /answer HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/png\r\n"
         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /answer HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/png\r\n"
         b"Content-Length: -5\r\n\r\n", 400),
        (b"POST /answer HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/png\r\n"
         b"Content-Length: 99\r\n\r\nshort", 400),
    ],
)  # fmt: skip
def test_what_is_no_proper_request(server: Server, sent: bytes, status: int) -> None:
    host = f"127.0.0.1:{server.server_port}".encode()
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        connection.sendall(sent.replace(b"{host}", host))
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as reply:
            assert reply.readline().split()[1] == str(status).encode()
    assert ask(server, "GET", "/")[0] == 200


def test_localhost_and_its_own_origin_are_taken(server: Server) -> None:
    host = f"localhost:{server.server_port}"
    own = PNG | {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert ask(server, "POST", "/answer", drawing(SEVEN), own)[0] == 200
    other = own | {"Origin": f"http://127.0.0.1:{server.server_port}"}
    assert ask(server, "POST", "/answer", drawing(SEVEN), other)[0] == 403


def test_a_drawing_that_is_overtaken_is_dropped(server: Server, row: StubRow) -> None:
    row.gate.clear()
    replies: dict[int, int] = {}

    def send(number: int) -> None:
        stroke = {"Quantbench-Page": "ab", "Quantbench-Stroke": str(number)}
        replies[number] = ask(server, "POST", "/answer", drawing(SEVEN), PNG | stroke)[0]

    first = threading.Thread(target=send, args=(1,))
    first.start()
    assert row.reached.wait(10)
    rest = [threading.Thread(target=send, args=(number,)) for number in (3, 2)]
    for thread in rest:
        thread.start()
    row.gate.set()
    for thread in (first, *rest):
        thread.join()
    assert replies[3] == 200
    send(2)
    assert replies[2] == 409
    assert len(row.asked) <= 3


def test_a_port_in_use_is_told_in_a_line(server: Server) -> None:
    with pytest.raises(UnavailableError, match=r"^port \d+ of 127.0.0.1 is in use; name another"):
        Server("127.0.0.1", server.server_port, Site(b"", server.site.answer))


def test_a_fault_of_ours_ends_one_request_alone(
    server: Server, row: StubRow, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(StubRow, "answer", lambda *_: 1 / 0)
        with pytest.raises(ConnectionError):
            ask(server, "POST", "/answer", drawing(SEVEN), PNG)
    assert ask(server, "POST", "/answer", drawing(SEVEN), PNG)[0] == 200
    assert "a request failed: ZeroDivisionError" in capfd.readouterr().err
