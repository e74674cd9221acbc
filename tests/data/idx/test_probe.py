"""The status of every source is told in seconds, without fetching the data."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench.data import TransferLimits, probe
from tests.data.idx.conftest import Handler, Server, Small, give, give_files, gzipped, hang

LABELS = "t10k-labels-idx1-ubyte"
Serve = Callable[[Handler], Server]


def test_probe_says_what_answers(
    tmp_path: Path,
    wheeled: Small,
    serve: Serve,
    quick: TransferLimits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def versions(arguments: list[str], timeout: float) -> str:
        assert arguments == ["index", "versions", "small-hub"]
        return "small-hub (1.0)\nAvailable versions: 1.0, 0.9\n"

    monkeypatch.setattr("quantbench.data.idx.pip_wheel.pip", versions)
    good, page = serve(give_files(gzipped(wheeled))), serve(give(b"<html>"))
    slow = serve(hang)
    folder = wheeled.put(tmp_path / "system")
    spec = dataclasses.replace(
        wheeled.spec,
        mirrors=(good.address, page.address, slow.address),
        folders=(folder, tmp_path / "none"),
    )
    start = time.monotonic()
    statuses = probe(spec, data_dir=folder, cache=tmp_path, limits=quick)
    assert time.monotonic() - start < 2
    assert [status.ok for status in statuses] == [
        True,
        False,
        True,
        False,
        False,
        True,
        True,
        False,
    ]
    assert [status.name for status in statuses[:2]] == ["--data-dir", "cache"]
    assert statuses[3].detail == "answers with something else than a gzip file"
    assert statuses[5].detail == "has small-hub==1.0"
    assert good.asked == [f"/{LABELS}.gz"]


def test_probe_misses_a_version(
    tmp_path: Path, wheeled: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "quantbench.data.idx.pip_wheel.pip", lambda *_: "Available versions: 11.0, 1.0.1"
    )
    status = probe(wheeled.spec, cache=tmp_path)[-1]
    assert (status.ok, status.detail) == (False, "has small-hub, but not 1.0")
