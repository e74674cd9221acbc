"""A server whose rows answer without a network, and what is sent to it."""

from __future__ import annotations

import http.client
import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from quantbench.data.mnist import SPEC
from quantbench.web.answering import Answering
from quantbench.web.page import serve_html
from quantbench.web.row_worker import RowAnswer
from quantbench.web.server import Server, Site

SEVEN = [(80, 70), (200, 70), (120, 230)]
PNG = {"Content-Type": "image/png"}


@dataclass
class StubRow:
    """A row that says 7, after its `gate` is open."""

    name: str = "static on torch"
    gate: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    asked: list[NDArray[np.float32]] = field(default_factory=list)
    closed: bool = False

    def __post_init__(self) -> None:
        self.gate.set()

    def start(self, inputs: NDArray[np.float32]) -> str:
        return "" if inputs.shape == (1, 1, 32, 32) else "wrong shape"

    def answer(self, inputs: NDArray[np.float32]) -> RowAnswer:
        self.asked.append(inputs)
        self.reached.set()
        assert self.gate.wait(10)
        shares = tuple(0.91 if label == 7 else 0.01 for label in range(10))
        return RowAnswer(row=self.name, probabilities=shares, microseconds=12.5)

    def close(self) -> None:
        self.closed = True


def drawing(stroke: list[tuple[int, int]] | None = None, kind: str = "PNG") -> bytes:
    """A stroke, or nothing, in white on black, as the page draws it."""
    picture = Image.new("L", (280, 280), 0)
    if stroke:
        ImageDraw.Draw(picture).line(stroke, 255, 22)
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


@contextmanager
def served(answering: Answering, names: tuple[str, ...]) -> Iterator[Server]:
    """A server at a free port of this machine, in a thread."""
    page = serve_html("lenet on mnist", names, SPEC.classes, ())
    with Server("127.0.0.1", 0, Site(page.encode(), answering.answer)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def ask(
    server: Server,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, str, http.client.HTTPMessage]:
    """The status, text and headers of a reply."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    try:
        connection.request(method, path, body, dict(headers or {}))
        reply = connection.getresponse()
        return reply.status, reply.read().decode(), reply.headers
    finally:
        connection.close()
