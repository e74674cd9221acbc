"""Peaks against what processors can do in a cycle, and against libraries that others made."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from quantbench.c99.build import toolchain
from quantbench.errors import UnavailableError
from quantbench.explain import peaks as peaks_module
from quantbench.explain.peaks import cache_sizes, kernels, measured_peaks
from quantbench.explain.records import Peaks
from quantbench.system.machine import environment

LANES = {
    "sse2": 4,
    "avx2": 8,
    "avxvnni": 8,
    "avx512": 16,
    "avx512vnni": 16,
    "amx_int8": 128,  # a row of 16 sums, each of 64 products, in a cycle of its only port
    "neon": 4,
    "neon_dot": 4,
}
"""Instruction set -> 32-bit lanes of a register."""
PRODUCTS = {"sse2 int8": 2, "avx2 int8": 2, "avx512 int8": 2, "avx2 int8 pmaddubsw": 4}
"""Kernel -> products that a lane sums; 4 for the dot products of bytes, 1 for float32."""
PORTS = 2
"""No core of today has more than two that multiply vectors of the widest registers, or four of the
narrower ones of NEON.
"""


@pytest.fixture(scope="module")
def peaks(tmp_path_factory: pytest.TempPathFactory) -> Peaks:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        began = time.monotonic()
        first = measured_peaks()
        took = time.monotonic() - began
        began = time.monotonic()
        assert measured_peaks() == first
        assert time.monotonic() - began < took
    return first


def test_each_instruction_set_reaches_at_most_its_lanes_on_all_ports(peaks: Peaks) -> None:
    assert 500 < peaks.cycles_per_us < 8000
    assert peaks.macs_per_us.keys() == {*kernels(environment(libraries=()))}
    for name, macs in peaks.macs_per_us.items():
        isa, format, *_ = name.split()
        products = PRODUCTS.get(name, 1 if format == "float32" else 4)
        ports = 2 * PORTS if isa.startswith("neon") else PORTS
        theory = LANES[isa] * products * ports * peaks.cycles_per_us
        assert 0.05 * theory < macs < 1.4 * theory, name  # the clock may change between the two


def test_wider_registers_do_no_less_and_dot_products_do_more(peaks: Peaks) -> None:
    macs = peaks.macs_per_us
    for less, more, times in (
        ("sse2 float32", "avx2 float32", 0.7),  # some CPUs halve the wider registers
        ("sse2 int8", "avx2 int8", 0.7),
        ("avx2 int8", "avx512vnni int8", 1.3),
        ("avx512vnni int8", "amx_int8 int8", 2),
    ):
        if more in macs:
            assert macs[more] > times * macs[less]


def test_a_machine_is_asked_for_all_that_it_has() -> None:
    every = tuple(name for needs in peaks_module._NEEDS.values() for name in needs)
    asked = [
        kernels(environment().model_copy(update={"architecture": name, "instruction_sets": every}))
        for name in ("x86_64", "aarch64")
    ]
    assert sorted(sum(asked, ())) == sorted(peaks_module._NEEDS)


def best_rate(work: float, run: Callable[[], object], times: int = 12) -> float:
    """Work in a microsecond, the best of several calls."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return work / min(seconds) / 1e6


def test_no_library_multiplies_faster(peaks: Peaks) -> None:
    size, threads = 512, torch.get_num_threads()
    floats = torch.ones(size, size)
    bytes_ = torch.ones(size, size, dtype=torch.int8)
    torch.set_num_threads(1)
    try:
        float32 = best_rate(size**3, lambda: floats @ floats)
        int8 = best_rate(size**3, lambda: torch._int_mm(bytes_, bytes_))
    finally:
        torch.set_num_threads(threads)
    for format, rate in (("float32", float32), ("int8", int8)):
        peak = max(macs for name, macs in peaks.macs_per_us.items() if format in name.split())
        assert rate < 1.4 * peak
    assert float32 > 0.02 * max(m for name, m in peaks.macs_per_us.items() if "float32" in name)


def test_no_library_reads_faster(peaks: Peaks) -> None:
    rates = peaks.bytes_per_us
    assert rates["memory"] < rates["l2"] < 1.3 * rates["l1"]
    small = np.ones(cache_sizes().l1 // 8, np.int32)
    assert best_rate(small.nbytes, lambda: np.bitwise_or.reduce(small), 50) < 1.4 * rates["l1"]


def test_the_sizes_of_caches_are_read_where_the_system_tells_them(tmp_path: Path) -> None:
    told = (("Data", "1", "48K"), ("Instruction", "1", "64K"), ("Unified", "2", "2M"))
    for number, parts in enumerate(told):
        (tmp_path / f"index{number}").mkdir()
        for name, text in zip(("type", "level", "size"), parts, strict=True):
            (tmp_path / f"index{number}" / name).write_text(f"{text}\n")
    sizes = cache_sizes(tmp_path)
    assert (sizes.l1, sizes.l2, sizes.last) == (48 << 10, 2 << 20, 2 << 20)
    assert cache_sizes(tmp_path / "nothing").l1 == 32 << 10


def test_without_a_compiler_there_are_no_peaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "candidates", lambda: [("no-such-compiler",)])
    with pytest.raises(UnavailableError, match="no C compiler found"):
        measured_peaks()
