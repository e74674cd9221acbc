"""The sections of a page, in their order; each file makes one, or None where it has nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from quantbench.report.html.parts import Report, Section
from quantbench.report.html.sections import (
    calibration,
    changed,
    classes,
    error,
    findings,
    latency,
    method,
    rows,
    sensitivity,
    skipped,
    time,
    training,
    trial,
    why,
)

Make: TypeAlias = Callable[[Report], Section | None]

SECTIONS: tuple[Make, ...] = (
    rows.section,
    trial.section,
    why.section,
    time.section,
    error.section,
    sensitivity.section,
    latency.section,
    calibration.section,
    classes.section,
    changed.section,
    findings.section,
    training.section,
    skipped.section,
    method.section,
)
