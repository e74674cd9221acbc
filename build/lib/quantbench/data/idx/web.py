"""Fetch over https with bounded patience: a server that hangs or drips costs seconds.

The transfer runs in a separate thread, since a socket's timeout bounds neither the resolving of
a name nor headers that come byte by byte.
"""

from __future__ import annotations

import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from urllib.parse import urlsplit

from quantbench.errors import DataUnavailableError

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """Limits of a transfer: seconds to wait, and the URL schemes that are admitted.

    A transfer ends when no byte comes for `idle`, and when its average falls below `rate` bytes a
    second after `grace`; `grace` also bounds the time to the first byte. `pip_timeout` bounds a
    run of pip, which has timeouts and retries of its own inside that.
    """

    idle: float = 5.0
    grace: float = 15.0
    rate: int = 64 * 1024
    schemes: frozenset[str] = frozenset({"https"})
    pip_timeout: float = 300.0


def fetch(url: str, cap: int, limits: TransferLimits) -> bytes:
    """Fetch the whole body of `url`, of `cap` bytes at most.

    Raises DataUnavailableError with the reason, also where the server sends more or too slowly.
    """
    start = time.monotonic()
    parts: list[bytes] = []
    size = 0
    with _transfer(url, limits, {}) as chunks:
        while chunk := _next(chunks, limits.idle if parts else limits.grace):
            parts.append(chunk)
            size += len(chunk)
            spent = time.monotonic() - start
            if size > cap:
                raise DataUnavailableError(f"sends more than the {cap} bytes expected")
            if spent > limits.grace and size < limits.rate * spent:
                raise DataUnavailableError(f"too slow: {size} bytes in {spent:.0f} s")
    return b"".join(parts)


def first_bytes(url: str, limits: TransferLimits) -> bytes:
    """Fetch at most 64 bytes of the body, to see whether a server answers.

    Raises DataUnavailableError with the reason.
    """
    with _transfer(url, limits, {"Range": "bytes=0-63"}) as chunks:
        return _next(chunks, limits.grace)[:64]


_Chunks = queue.SimpleQueue[bytes | DataUnavailableError]


@contextmanager
def _transfer(url: str, limits: TransferLimits, headers: dict[str, str]) -> Iterator[_Chunks]:
    """Start a transfer; its queue holds the body's chunks, then b"" or the error that ended it."""
    _admit(url, limits)
    request = urllib.request.Request(  # noqa: S310 - the scheme was just checked
        url, headers={"User-Agent": "quantbench", **headers}
    )
    chunks: _Chunks = queue.SimpleQueue()
    stop = threading.Event()
    threading.Thread(target=_pump, args=(request, limits, chunks, stop), daemon=True).start()
    try:
        yield chunks
    finally:
        stop.set()


def _next(chunks: _Chunks, wait: float) -> bytes:
    try:
        chunk = chunks.get(timeout=wait)
    except queue.Empty as error:
        raise DataUnavailableError(f"no answer for {wait:g} s") from error
    if isinstance(chunk, DataUnavailableError):
        raise chunk
    return chunk


def _pump(
    request: urllib.request.Request, limits: TransferLimits, chunks: _Chunks, stop: threading.Event
) -> None:
    opener = urllib.request.build_opener(_Redirects(limits))
    try:
        with opener.open(request, timeout=limits.idle) as response:
            # read1 returns the bytes that have come; read would wait for a whole chunk.
            while not stop.is_set() and (chunk := response.read1(_CHUNK)):
                chunks.put(chunk)
        chunks.put(b"")
    except DataUnavailableError as error:
        chunks.put(error)
    except urllib.error.HTTPError as error:
        error.close()
        chunks.put(DataUnavailableError(f"answers HTTP {error.code}"))
    except urllib.error.URLError as error:
        chunks.put(DataUnavailableError(f"doesn't answer ({error.reason})"))
    except (OSError, http.client.HTTPException, ValueError) as error:
        chunks.put(DataUnavailableError(f"broke off ({error or type(error).__name__})"))


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, limits: TransferLimits) -> None:
        self._limits = limits

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        fp.close()  # else the base class reads its whole body, however long
        _admit(newurl, self._limits)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _admit(url: str, limits: TransferLimits) -> None:
    scheme = urlsplit(url).scheme
    if scheme not in limits.schemes:
        raise DataUnavailableError(f"leads to {scheme}:, which is not admitted")
