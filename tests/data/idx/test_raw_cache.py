"""Raw files get into the cache whole, or its folder is named in an error."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench.data import TransferLimits, load
from quantbench.errors import StorageError
from tests.data.idx.conftest import (
    Handler,
    Server,
    Small,
    give_files,
    gzipped,
    in_cache,
    mirrored,
    quiet,
)

Serve = Callable[[Handler], Server]


def test_a_cache_that_is_a_file_is_named(
    tmp_path: Path, small: Small, serve: Serve, quick: TransferLimits
) -> None:
    (tmp_path / "file").write_text("")
    server = serve(give_files(gzipped(small)))
    with pytest.raises(StorageError, match=r"file.*set QUANTBENCH_CACHE to a folder"):
        load(
            mirrored(small, server.address).spec,
            cache=tmp_path / "file",
            log=quiet,
            limits=quick,
        )
    assert server.asked == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_cache_is_named_and_left_clean(
    tmp_path: Path, small: Small, serve: Serve, quick: TransferLimits, step: str
) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    spec = mirrored(small, serve(give_files(gzipped(small))).address).spec
    folder = tmp_path / "data" / "small"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, step, full)
        with pytest.raises(StorageError, match=re.escape(f"can't write the cache {folder} (No ")):
            load(spec, cache=tmp_path, log=quiet, limits=quick)
    assert in_cache(small, tmp_path) == {}
    load(spec, cache=tmp_path, log=quiet, limits=quick)
    assert in_cache(small, tmp_path) == small.raw


def test_processes_at_once_do_each_other_no_harm(tmp_path: Path) -> None:
    """Each writes the same megabyte over and over, and never reads anything but the whole."""
    code = """
import sys
from pathlib import Path
from quantbench.data.idx import raw_cache
path, raw = Path(sys.argv[1]) / "f", bytes(range(256)) * 4096
for _ in range(20):
    raw_cache.write(path, raw)
    assert raw_cache.read(path, len(raw)) == raw
"""
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
