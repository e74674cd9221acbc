"""Ask which sources of a data set would answer now: it takes seconds and fetches no data."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from quantbench.data.idx import (
    pip_wheel,
    raw_cache,
    sources,
    web,
)
from quantbench.data.idx.spec import DataSpec, SourceStatus, Wheel
from quantbench.errors import DataUnavailableError, QuantbenchError

_IMPATIENT = web.TransferLimits(idle=4.0, grace=4.0, pip_timeout=8.0)
_GZIP = b"\x1f\x8b"


def probe(
    spec: DataSpec,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    cache: Path | None = None,
    limits: web.TransferLimits = _IMPATIENT,
) -> list[SourceStatus]:
    """The status of each source, in the order in which `load` asks them; all are asked at once."""
    checks: list[tuple[str, Callable[[], str]]] = []
    if data_dir is not None:
        checks.append(("--data-dir", partial(_data_dir, spec, data_dir)))
    checks.append(("cache", partial(_cached, spec, cache)))
    for mirror in spec.mirrors:
        ask = partial(_mirror, spec, mirror, limits)
        checks.append((sources.host(mirror), _offline if offline else ask))
    if spec.wheel is not None:
        index = partial(_index, spec.wheel, limits.pip_timeout)
        checks.append(("Python package index", _offline if offline else index))
    checks += [(str(folder), partial(_system, spec, folder)) for folder in spec.folders]
    with ThreadPoolExecutor(max_workers=len(checks)) as pool:
        return list(pool.map(_status, *zip(*checks, strict=True)))


def _status(name: str, ask: Callable[[], str]) -> SourceStatus:
    try:
        return SourceStatus(name, True, ask())
    except QuantbenchError as error:
        return SourceStatus(name, False, str(error))


def _offline() -> str:
    raise DataUnavailableError("not asked: offline")


def _data_dir(spec: DataSpec, folder: Path) -> str:
    for file in spec.files:
        sources.from_data_dir(spec, file, folder)
    return f"{folder} holds the files, checked"


def _cached(spec: DataSpec, cache: Path | None) -> str:
    folder = sources.cache_folder(spec, cache)
    for file in spec.files:
        raw = raw_cache.read(folder / file.name, file.bytes)
        if raw is None:
            raise DataUnavailableError(f"{folder} has no {file.name} yet")
        sources.check(file, raw, str(folder / file.name))
    return f"{folder} holds the files, checked"


def _mirror(spec: DataSpec, mirror: str, limits: web.TransferLimits) -> str:
    start = web.first_bytes(f"{mirror}{spec.test_labels.name}.gz", limits)
    if not start.startswith(_GZIP):
        raise DataUnavailableError("answers with something else than a gzip file")
    return "answers"


def _index(wheel: Wheel, timeout: float) -> str:
    project, _, version = wheel.requirement.partition("==")
    listed = pip_wheel.pip(["index", "versions", project], timeout)
    if version not in listed.replace(",", " ").split():
        raise DataUnavailableError(f"has {project}, but not {version}")
    return f"has {wheel.requirement}"


def _system(spec: DataSpec, folder: Path) -> str:
    for file in spec.files:
        if sources.from_folder(file, folder) is None:
            raise DataUnavailableError(f"has no {file.name}")
    return "holds the files, checked"
