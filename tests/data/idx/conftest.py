"""A small data set in MNIST's form, and a place to serve it from."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from quantbench.data import (
    DataSpec,
    IdxFile,
    TransferLimits,
    Wheel,
)
from quantbench.data.idx import idx_file

TRAIN, VALIDATION, TEST = 120, 60, 60


@dataclass(frozen=True)
class Small:
    """A spec of 180 + 60 random images, with its raw files by name."""

    spec: DataSpec
    raw: dict[str, bytes]

    def put(self, folder: Path, packed: bool = False) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, raw in self.raw.items():
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(raw))
            else:
                (folder / name).write_bytes(raw)
        return folder


def gzipped(small: Small) -> dict[str, bytes]:
    return {f"{name}.gz": gzip.compress(raw) for name, raw in small.raw.items()}


def mirrored(small: Small, *addresses: str) -> Small:
    return Small(replace(small.spec, mirrors=addresses), small.raw)


def in_cache(small: Small, cache: Path) -> dict[str, bytes]:
    folder = cache / "data" / "small"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="session")
def small() -> Small:
    rng = np.random.default_rng(7)
    n = TRAIN + VALIDATION
    arrays = {
        "train-images-idx3-ubyte": rng.integers(0, 256, (n, 28, 28), dtype=np.uint8),
        "train-labels-idx1-ubyte": rng.integers(0, 10, n, dtype=np.uint8),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (TEST, 28, 28), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": rng.integers(0, 10, TEST, dtype=np.uint8),
    }
    raw = {name: idx_file.serialise(values) for name, values in arrays.items()}
    files = [
        IdxFile(name, hashlib.sha256(raw[name]).hexdigest(), len(raw[name]), values.shape)
        for name, values in arrays.items()
    ]
    spec = DataSpec(
        "small", "Small", *files, (), 0.5, 0.25, tuple("0123456789"), wheel=None, folders=()
    )
    return Small(spec, raw)


@pytest.fixture
def wheeled(small: Small) -> Small:
    """The same with a wheel as a source."""
    wheel = Wheel("small-hub==1.0", "small/data.pkl.gz", 2**20, 2**20)
    return Small(replace(small.spec, wheel=wheel), small.raw)


def python2_pickle(small: Small, module: str = "numpy.core.multiarray") -> bytes:
    """The arrays as Python 2's protocol 2 wrote them, as in the real wheel."""
    images, labels, test_images, test_labels = (
        np.frombuffer(small.raw[file.name], np.uint8, offset=4 + 4 * len(file.shape))
        for file in small.spec.files
    )

    def array(values: np.ndarray, shape: tuple[int, ...], dtype: str) -> bytes:
        data = values.astype(f"<{dtype}").tobytes()
        dims = b"".join(b"J" + struct.pack("<i", n) for n in shape)
        return (
            f"c{module}\n_reconstruct\ncnumpy\nndarray\nK\0".encode()
            + b"\x85U\x01b\x87R(K\x01("
            + dims
            + b"tcnumpy\ndtype\nU\x02"
            + dtype.encode()
            + b"K\0K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89T"
            + struct.pack("<i", len(data))
            + data
            + b"tb"
        )

    def pair(x: np.ndarray, y: np.ndarray) -> bytes:
        x = x.astype(np.float32) / 256
        return array(x, (len(y), 784), "f4") + array(y, (len(y),), "i8") + b"\x86"

    cut = TRAIN * 784
    return (
        b"\x80\x02"
        + pair(images[:cut], labels[:TRAIN])
        + pair(images[cut:], labels[TRAIN:])
        + pair(test_images, test_labels)
        + b"\x87."
    )


def quiet(line: str) -> None:
    """A `log` for tests to which the lines don't matter."""


Handler = Callable[[http.server.BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """A web server on this machine; `asked` lists the paths that were asked for."""

    address: str
    asked: list[str] = field(default_factory=list)


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], Server]]:
    """Starts servers that answer each GET with the given function."""
    running: list[Quiet] = []

    def start(answer: Handler) -> Server:
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        httpd = Quiet(("127.0.0.1", 0), Answer)
        server = Server(f"http://127.0.0.1:{httpd.server_port}/")
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        running.append(httpd)
        return server

    yield start
    for httpd in running:
        httpd.shutdown()
        httpd.server_close()


def give(body: bytes, code: int = 200) -> Handler:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def give_files(files: dict[str, bytes]) -> Handler:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        body = files.get(request.path.removeprefix("/"))
        give(body or b"", 200 if body is not None else 404)(request)

    return answer


def hang(request: http.server.BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def drip(request: http.server.BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b"\x1f")
        time.sleep(0.03)


def drip_headers(request: http.server.BaseHTTPRequestHandler) -> None:
    for letter in b"HTTP/1.1 200 OK\r\n" + b"X-Slow: " + b"y" * 100:
        request.wfile.write(bytes([letter]))
        time.sleep(0.03)


@pytest.fixture
def quick() -> TransferLimits:
    """Plain http admitted, and little patience."""
    return TransferLimits(
        idle=0.3, grace=0.6, rate=10_000, schemes=frozenset({"http"}), pip_timeout=20
    )


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any socket, look-up of a name or process fails the test."""

    def forbidden(*args: object, **keywords: object) -> None:
        raise AssertionError(f"asked the network or another program: {args}")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(subprocess, "Popen", forbidden)
