from __future__ import annotations

import os
from pathlib import Path

import pytest

from quantbench.system import machine as module
from quantbench.system.machine import (
    cores,
    cpu_quota,
    environment,
    has_vnni,
    overloaded,
    versions,
)
from tests.report.builder import environment as machine


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        (None, None),
        ("max 100000", None),
        ("max", None),
        ("200000 100000", 2),
        ("150000 100000", 1),
        ("50000 100000", 1),
        ("1000 100000", 1),
        ("400000 50000", 8),
        ("", None),
        ("what this isn't", None),
        ("200000", None),
        ("200000 0", None),
        ("-1 100000", None),
    ],
)
def test_the_quota_of_a_control_group(text: str | None, cores: int | None) -> None:
    assert module._quota(text) == cores


@pytest.mark.parametrize(
    ("affinity", "quota", "expected"),
    [(8, "200000 100000", 2), (2, "800000 100000", 2), (4, None, 4), (1, "max 100000", 1)],
)
def test_the_smaller_of_affinity_and_quota_counts(
    monkeypatch: pytest.MonkeyPatch, affinity: int, quota: str | None, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(affinity)))
    monkeypatch.setattr(module, "_read", lambda _: quota)
    assert cores() == expected


@pytest.mark.parametrize(
    ("quota", "period", "cores"),
    [("200000", "100000", 2), ("150000", "100000", 1), ("-1", "100000", None),
     ("200000", None, None), (None, None, None), ("200000", "0", None)],
)  # fmt: skip
def test_the_quota_of_an_older_control_group(
    monkeypatch: pytest.MonkeyPatch, quota: str | None, period: str | None, cores: int | None
) -> None:
    found = {"cpu.cfs_quota_us": quota, "cpu.cfs_period_us": period}
    read({name: text for name, text in found.items() if text is not None}, monkeypatch)
    assert cpu_quota() == cores


def test_the_newer_control_group_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    old = {"cpu.cfs_quota_us": "100000", "cpu.cfs_period_us": "100000"}
    read({"cpu.max": "300000 100000"} | old, monkeypatch)
    assert cpu_quota() == 3


@pytest.mark.parametrize(
    ("load", "expected"), [(None, False), (0.0, False), (1.0, False), (1.1, True), (9.0, True)]
)
def test_more_than_half_of_the_cores_is_too_much(load: float | None, expected: bool) -> None:
    assert overloaded(machine(load=load, cores=2)) is expected


def test_a_system_that_counts_no_load(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> tuple[float, float, float]:
        raise OSError

    monkeypatch.setattr(os, "getloadavg", missing)
    assert environment(()).load is None
    monkeypatch.setattr(os, "getloadavg", lambda: (1.25, 2.0, 3.0))
    assert environment(()).load == 1.25


CPUINFO = """processor\t: 0
model name\t: Example CPU: fast
flags\t\t: fpu sse4_2 avx avx2 avx512_vnni not_known

processor\t: 1
model name\t: Another CPU
flags\t\t: fpu
"""

ARM = "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\nCPU part\t: 0xd0c\n"


def read(files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_read", lambda path: files.get(Path(path).name))


def test_what_the_cpu_says_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    read({"cpuinfo": CPUINFO, "scaling_governor": "performance"}, monkeypatch)
    found = environment(())
    assert found.cpu == "Example CPU: fast"
    assert found.instruction_sets == ("sse4_2", "avx", "avx2", "avx512_vnni")
    assert found.governor == "performance"
    assert found.versions == {}
    assert has_vnni(found)


def test_an_arm_cpu_has_features(monkeypatch: pytest.MonkeyPatch) -> None:
    read({"cpuinfo": ARM}, monkeypatch)
    found = environment(())
    assert found.instruction_sets == ("asimd", "asimddp", "i8mm")
    assert found.governor is None
    assert not has_vnni(found)


def test_a_system_that_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    read({}, monkeypatch)
    found = environment(())
    assert found.cpu
    assert found.instruction_sets == ()


def test_this_machine() -> None:
    found = environment()
    assert 1 <= found.cores <= len(os.sched_getaffinity(0))
    assert found.memory_bytes > 1 << 28
    assert {"torch", "numpy", "onnxruntime"} <= found.versions.keys()


def test_a_library_that_is_not_installed_is_left_out() -> None:
    assert versions(("numpy", "no-such-library")).keys() == {"numpy"}
