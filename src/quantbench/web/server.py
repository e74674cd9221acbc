"""The HTTP server of the page: two paths, and a reason of one line for all that it refuses."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from quantbench.errors import QuantbenchError, UnavailableError, cause
from quantbench.system.terminal import one_line
from quantbench.web.answering import Answered
from quantbench.web.checks import (
    MAX_BYTES,
    RefusedError,
    require_host,
    require_picture,
    require_same_origin,
    stroke_of,
)
from quantbench.web.strokes import Stroke

_OPEN = 32
"""Connections at once; further ones are closed."""
_SILENT_SECONDS, _BODY_SECONDS, _DRAIN_SECONDS = 10.0, 30.0, 2.0
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_METHODS = {"/": ("GET", "HEAD"), "/answer": ("POST",)}


@dataclass(frozen=True)
class Site:
    """The page, and the function that answers a drawing, which raises QuantbenchError."""

    page: bytes
    answer: Callable[[bytes, Stroke | None], Answered]


class Server(ThreadingHTTPServer):
    """A server that is bound once it is made, with a thread for each connection.

    `host` is an address or "localhost"; the port 0 takes a free one. Raises UnavailableError where
    the port can't be had.
    """

    def __init__(self, host: str, port: int, site: Site) -> None:
        self.site = site
        self.host = "127.0.0.1" if host == "localhost" else host
        self.address_family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._open = threading.BoundedSemaphore(_OPEN)
        try:
            super().__init__((self.host, port), _Handler)
        except OSError as error:
            place = f"port {port} of {host}"
            if error.errno == errno.EADDRINUSE:
                reason = f"{place} is in use; name another with --port, or 0 for a free one"
            else:
                reason = f"{place} can't be had: {error.strerror or error}"
            raise UnavailableError(reason) from error

    @property
    def url(self) -> str:
        """The page's address."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{shown}:{self.server_port}/"

    def server_bind(self) -> None:
        """Bind without a look-up of the host's name, which HTTPServer asks the network for."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.host, self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a connection in a thread, unless as many as may be are open."""
        if self._open.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a connection, and count it no longer."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Tell a fault in one line; a client that went away is none."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            sys.stderr.write(f"a request failed: {one_line(cause(error))}\n")


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "quantbench", ""
    timeout = _SILENT_SECONDS

    def _handle(self) -> None:
        try:
            host = require_host(self.headers, self.server.host, self.server.server_port)
            require_same_origin(self.headers, host)
            _require_known(self.command, self.path)
            if self.path == "/":
                self._send(200, "text/html; charset=utf-8", self.server.site.page)
            else:
                self._answer()
        except RefusedError as error:
            self._refuse(error.status, str(error))
            self._drain()
        except QuantbenchError as error:
            self._refuse(500, str(error))

    # The library calls do_ and the method's name, and send_error for any other method.
    do_GET = do_HEAD = do_POST = _handle  # noqa: N815

    def _answer(self) -> None:
        length = require_picture(self.headers)
        stroke = stroke_of(self.headers)
        answered = self.server.site.answer(self._body(length), stroke)
        self._send(200, "application/json", answered.model_dump_json().encode())

    def _body(self, length: int) -> bytes:
        """The request's body. Raises RefusedError where it ends early or takes too long."""
        body, end = bytearray(), time.monotonic() + _BODY_SECONDS
        try:
            while len(body) < length and time.monotonic() < end:
                chunk = self.rfile.read1(min(1 << 16, length - len(body)))
                if not chunk:
                    raise RefusedError(400, "the picture ended before its Content-Length")
                body += chunk
        except TimeoutError:
            pass
        if len(body) < length:
            raise RefusedError(408, "the picture took too long")
        return bytes(body)

    def _drain(self) -> None:
        """Read on for a moment: a client that still sends would miss the reason on a reset."""
        left, end = 4 * MAX_BYTES, time.monotonic() + _DRAIN_SECONDS
        with contextlib.suppress(OSError):  # it is gone, or sends nothing
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_SECONDS)
            while left > 0 and time.monotonic() < end and (chunk := self.rfile.read1(1 << 16)):
                left -= len(chunk)

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.request_version = self.protocol_version  # else what can't be parsed gets no status
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", ", ".join(_METHODS.get(self.path, ())))
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, status: int, reason: str) -> None:
        self._send(status, "text/plain; charset=utf-8", f"{one_line(reason)}\n".encode())

    def send_error(
        self,
        code: int,
        message: str | None = None,
        explain: str | None = None,  # noqa: ARG002
    ) -> None:
        """Refuse what the library can't parse or has no method for, in one line like the rest."""
        status = {501: 405, 505: 400}.get(code, code)
        self._refuse(status, message or HTTPStatus(status).phrase)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a drawing makes many requests."""


def _require_known(method: str, path: str) -> None:
    """Raise RefusedError for a path that there isn't, or a method that it doesn't take."""
    methods = _METHODS.get(path)
    if methods is None:
        raise RefusedError(404, "there is no such page")
    if method not in methods:
        raise RefusedError(405, f"{path} takes {' and '.join(methods)}")
