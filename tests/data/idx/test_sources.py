from __future__ import annotations

import dataclasses
import gzip
import hashlib
import http.server
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench.data import TransferLimits, load, probe
from quantbench.data.idx import sources
from quantbench.errors import DataFileError, DataUnavailableError, StorageError
from tests.data.idx.conftest import (
    Handler,
    Server,
    Small,
    drip,
    drip_headers,
    give,
    give_files,
    gzipped,
    hang,
    in_cache,
    mirrored,
    quiet,
)

IMAGES, LABELS = "train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
Serve = Callable[[Handler], Server]


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_of_the_users_is_read_and_nothing_is_cached(
    tmp_path: Path, small: Small, no_network: None, packed: bool
) -> None:
    folder = small.put(tmp_path / "mine", packed)
    splits = load(small.spec, data_dir=folder, cache=tmp_path / "cache", log=quiet)
    assert [len(s) for s in (splits.train, splits.calibration, splits.test)] == [165, 15, 60]
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda _: None, ": no such file, nor with .gz (expected SHA-256 {want})"),
        (lambda raw: raw[:-1], ": SHA-256 of {less} bytes is {found}, expected {want} of {size}"),
        (lambda raw: raw[:-1] + b"\xff", ": SHA-256 of {size} bytes is {found}, expected {want}"),
        (lambda raw: raw + raw, ": SHA-256 of over {size} bytes is {more}, expected {want}"),
    ],
)
def test_a_wrong_file_of_the_users_is_an_error_even_if_others_have_it(
    tmp_path: Path,
    small: Small,
    no_network: None,
    damage: Callable[[bytes], bytes | None],
    message: str,
) -> None:
    small.put(tmp_path / "cache" / "data" / "small")
    folder = small.put(tmp_path / "mine")
    raw = small.raw[IMAGES]
    bad = damage(raw)
    (folder / IMAGES).unlink()
    if bad is not None:
        (folder / IMAGES).write_bytes(bad)
    expected = f"{folder / IMAGES}" + message.format(
        want=hashlib.sha256(raw).hexdigest(),
        found=hashlib.sha256(bad or b"").hexdigest(),
        more=hashlib.sha256((bad or b"")[: len(raw) + 1]).hexdigest(),
        size=len(raw),
        less=len(raw) - 1,
    )
    with pytest.raises(DataFileError, match="^" + re.escape(expected)) as caught:
        load(small.spec, data_dir=folder, cache=tmp_path / "cache", log=quiet)
    remedy = f"; put Small's official {IMAGES} there or leave out --data-dir"
    assert str(caught.value).endswith(remedy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda packed, _raw: packed[:-9], "truncated: "),
        (lambda packed, _raw: packed[:100], "truncated: "),
        (lambda packed, _raw: packed + packed, "bytes after the gzip's end"),
        (lambda _packed, raw: gzip.compress(raw + raw), "SHA-256 of over "),
        (lambda _packed, _raw: gzip.compress(bytes(2**28)), "SHA-256 of over "),
        (lambda _packed, _raw: b"<html>", "not a sound gzip file"),
    ],
    ids=["trailer cut", "cut", "doubled", "too long", "bomb", "a page"],
)
def test_a_bad_gzip_of_the_users(
    tmp_path: Path,
    small: Small,
    no_network: None,
    damage: Callable[[bytes, bytes], bytes],
    message: str,
) -> None:
    folder = small.put(tmp_path, packed=True)
    path = folder / f"{IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes(), small.raw[IMAGES]))
    with pytest.raises(DataFileError, match=f"^{re.escape(str(path))}: .*{message}"):
        load(small.spec, data_dir=folder, log=quiet)


def test_a_mirror_fills_the_cache_which_then_is_enough(
    tmp_path: Path, small: Small, serve: Serve, quick: TransferLimits
) -> None:
    server = serve(give_files(gzipped(small)))
    spec = mirrored(small, server.address).spec
    logged: list[str] = []
    first = load(spec, cache=tmp_path, log=logged.append, limits=quick)
    assert in_cache(small, tmp_path) == small.raw
    assert len(server.asked) == 4
    again = load(spec, cache=tmp_path, log=logged.append, limits=quick)
    assert again.train.sha256 == first.train.sha256
    assert len(server.asked) == 4
    assert logged == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (give(b"gone", 403), "answers HTTP 403"),
        (give(b"busy", 503), "answers HTTP 503"),
        (give(b"<html>sign in</html>"), "not a sound gzip file"),
        (give(bytes(2**20)), "sends more than the"),
        (hang, "broke off|doesn't answer|no answer for"),
        (drip, "too slow: "),
        (drip_headers, "no answer for 0.6 s"),
    ],
    ids=["403", "503", "page", "too long", "hangs", "drips", "drips its headers"],
)
def test_a_bad_mirror_is_asked_once_and_costs_little(
    tmp_path: Path,
    small: Small,
    serve: Serve,
    quick: TransferLimits,
    answer: Handler,
    reason: str,
) -> None:
    bad, good = serve(answer), serve(give_files(gzipped(small)))
    logged: list[str] = []
    start = time.monotonic()
    spec = mirrored(small, bad.address, good.address).spec
    load(spec, cache=tmp_path, log=logged.append, limits=quick)
    assert time.monotonic() - start < 2.5  # the server itself would take three seconds
    assert len(bad.asked) <= 1
    assert len(good.asked) == 4
    assert len(logged) == 1
    assert re.search(f"^Small from 127.0.0.1: .*({reason})", logged[0])


def test_a_mirror_that_ends_midway_leaves_the_rest_to_the_next(
    tmp_path: Path, small: Small, serve: Serve, quick: TransferLimits
) -> None:
    files = gzipped(small)
    half = {**files, f"{LABELS}.gz": files[f"{LABELS}.gz"][:20]}
    first, second = serve(give_files(half)), serve(give_files(files))
    spec = mirrored(small, first.address, second.address).spec
    load(spec, cache=tmp_path, log=quiet, limits=quick)
    assert second.asked == [f"/{LABELS}.gz"]
    assert in_cache(small, tmp_path) == small.raw


def test_only_https_is_asked(tmp_path: Path, small: Small, serve: Serve) -> None:
    server = serve(give_files(gzipped(small)))
    logged: list[str] = []
    with pytest.raises(DataUnavailableError):
        load(mirrored(small, server.address).spec, cache=tmp_path, log=logged.append)
    assert server.asked == []
    assert logged == ["Small from 127.0.0.1: leads to http:, which is not admitted"]


def test_a_redirect_to_another_scheme_is_refused(
    tmp_path: Path, small: Small, serve: Serve, quick: TransferLimits
) -> None:
    def away(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", "ftp://127.0.0.1/x")
        request.end_headers()

    logged: list[str] = []
    spec = mirrored(small, serve(away).address).spec
    with pytest.raises(DataUnavailableError):
        load(spec, cache=tmp_path, log=logged.append, limits=quick)
    assert logged == ["Small from 127.0.0.1: leads to ftp:, which is not admitted"]


def test_a_redirect_is_followed(
    tmp_path: Path, small: Small, serve: Serve, quick: TransferLimits
) -> None:
    good = serve(give_files(gzipped(small)))

    def onwards(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", good.address + request.path.removeprefix("/"))
        request.end_headers()

    spec = mirrored(small, serve(onwards).address).spec
    load(spec, cache=tmp_path, log=quiet, limits=quick)
    assert in_cache(small, tmp_path) == small.raw


def test_a_damaged_cached_file_is_fetched_again(
    tmp_path: Path, small: Small, serve: Serve, quick: TransferLimits
) -> None:
    folder = small.put(tmp_path / "data" / "small")
    (folder / IMAGES).write_bytes(small.raw[IMAGES][:-1] + b"!")
    (folder / LABELS).write_bytes(b"")
    server = serve(give_files(gzipped(small)))
    logged: list[str] = []
    load(mirrored(small, server.address).spec, cache=tmp_path, log=logged.append, limits=quick)
    assert logged == [
        f"warning: {folder / name} is damaged; fetching it again" for name in (IMAGES, LABELS)
    ]
    assert server.asked == [f"/{IMAGES}.gz", f"/{LABELS}.gz"]
    assert in_cache(small, tmp_path) == small.raw


def test_offline_asks_nobody(tmp_path: Path, wheeled: Small, no_network: None) -> None:
    spec = mirrored(wheeled, "https://example.invalid/").spec
    with pytest.raises(DataUnavailableError) as caught:
        load(spec, cache=tmp_path, offline=True, log=quiet)
    names = ", ".join(wheeled.raw)
    assert str(caught.value) == (
        f"no source has Small offline: put the files {names} (as they are or as .gz) into a "
        "folder and name it with --data-dir DIR"
    )
    assert [s.detail for s in probe(spec, offline=True, cache=tmp_path)][1:] == [
        "not asked: offline"
    ] * 2


def test_a_system_folder_does_offline(tmp_path: Path, small: Small, no_network: None) -> None:
    folder = small.put(tmp_path / "system", packed=True)
    spec = dataclasses.replace(small.spec, folders=(tmp_path / "none", folder))
    load(spec, cache=tmp_path / "cache", offline=True, log=quiet)
    assert in_cache(small, tmp_path / "cache") == small.raw


def test_hosts_name_mirrors() -> None:
    assert sources.host("https://example.org/data/") == "example.org"


def test_a_pipe_in_place_of_a_file_is_not_waited_for(
    tmp_path: Path, small: Small, no_network: None
) -> None:
    data_dir = tmp_path / "given"
    data_dir.mkdir()
    name = small.spec.files[0].name
    os.mkfifo(data_dir / name)
    with pytest.raises(DataFileError, match=f"{name}: can't be read .not a plain file"):
        load(small.spec, data_dir=data_dir)
    cached = tmp_path / "cache" / "data" / small.spec.name
    cached.mkdir(parents=True)
    os.mkfifo(cached / name)
    with pytest.raises(StorageError, match=r"can't read the cache .*not a plain file"):
        load(small.spec, cache=tmp_path / "cache", offline=True)
