"""The source report's three claims, checked against the measurements of a study.

Every sentence depends on the measurements: another machine or seed may reverse each of them.
"""

from __future__ import annotations

from collections.abc import Callable

from quantbench.explain.findings.data_loading_hides import HIDES
from quantbench.explain.judge import judge
from quantbench.harness.records import Latency
from quantbench.report.reproduction.records import Claim
from quantbench.report.words import (
    IMAGES,
    count,
    joined,
    p_value,
    percent,
    ratio,
    seconds,
)
from quantbench.results.records import AgainstFloat, Results, Row, SpeedVerdict
from quantbench.results.select import batch1, largest_batch, speed_of
from quantbench.results.speed import MARGIN
from quantbench.results.statistics import mcnemar, mcnemar_verdict

RUNTIME = "torch"
SMALLER = "The quantized models are smaller; dynamic less so, because only Linear changed."
ACCURACY = "Static is less accurate, because its activations are quantized."
SPEED = "Neither is faster, because of computational overhead."
MATTERS = 0.1
WHY = {
    SMALLER: ("layers_left_float",),
    ACCURACY: ("never_calibrated", "saturation_without_vnni", "accuracy_not_resolved"),
    SPEED: ("data_loading_hides", "single_threaded"),
}
"""Claim -> the rules of explain/findings that say why it holds or doesn't, from results alone."""
_SHOWN: dict[SpeedVerdict, str] = {
    "faster": "is faster",
    "slower": "is slower",
    "equivalent": f"is equivalent within {percent(MARGIN, 0)}",
    "not resolved": "is not resolved",
}
_BETWEEN = {
    "better": "calibrated is better",
    "worse": "uncalibrated is better",
    "not resolved": "not resolved which is better",
}


def claims(results: Results, paired: tuple[int, int] | None = None) -> tuple[Claim, ...]:
    """Answer each claim of the report from the results.

    `paired` counts the images that only calibrated static has right, and those that only
    uncalibrated static has right.
    """
    return (
        _claim(results, SMALLER, ("float32", "dynamic", "static"), _smaller),
        _claim(
            results,
            ACCURACY,
            ("static", "static_uncalibrated"),
            lambda static, uncalibrated: _accuracy(static, uncalibrated, paired),
        ),
        _claim(
            results,
            SPEED,
            ("float32", "dynamic", "static"),
            lambda float32, dynamic, static: _speed(float32, dynamic, static, results.data_loading),
        ),
    )


def row_of(results: Results, method: str) -> Row | None:
    """The row of a method in RUNTIME, which the report used, or None."""
    return next(
        (row for row in results.rows if (row.method, row.runtime) == (method, RUNTIME)), None
    )


def _claim(
    results: Results, claim: str, methods: tuple[str, ...], answer: Callable[..., str]
) -> Claim:
    rows = [row_of(results, method) for method in methods]
    missing = [method for method, row in zip(methods, rows, strict=True) if row is None]
    if missing:
        return Claim(claim=claim, answer=f"Not answered: {joined(missing)} was not measured here.")
    names = {row.name for row in rows if row is not None}
    found = tuple(
        finding.rule
        for finding in judge(results).findings
        if finding.rule in WHY[claim] and names & {*finding.rows}
    )
    return Claim(claim=claim, answer=answer(*rows), findings=tuple(dict.fromkeys(found)))


def _smaller(float32: Row, dynamic: Row, static: Row) -> str:
    left, static_left = dynamic.coverage.float_share, static.coverage.float_share
    evidence = (
        f"float32 takes {float32.bytes:,} bytes, dynamic {_sized(dynamic, float32)}, "
        f"static {_sized(static, float32)}; of the multiply-adds, dynamic leaves "
        f"{_share(left)} float, static {_share(static_left)}."
    )
    if not (dynamic.bytes < float32.bytes and static.bytes < float32.bytes):
        return f"Does not hold here: {evidence}"
    if dynamic.bytes <= static.bytes:
        return f"Holds in part: both are smaller, but dynamic is not less so: {evidence}"
    if left <= static_left:
        return f"Holds in part: both are smaller, but not for that reason: {evidence}"
    saved = (float32.bytes - dynamic.bytes) / (float32.bytes - static.bytes)
    return f"Holds: {evidence} Dynamic saves {percent(saved, 0)} of the bytes that static saves."


def _share(share: float) -> str:
    return percent(share) if share else "none"


def _sized(row: Row, float32: Row) -> str:
    if row.bytes == float32.bytes:
        return "as many"
    if row.bytes < float32.bytes:
        return f"{row.bytes:,} ({ratio(float32.bytes / row.bytes)} times smaller)"
    return f"{row.bytes:,} ({ratio(row.bytes / float32.bytes)} times larger)"


def _accuracy(static: Row, uncalibrated: Row, paired: tuple[int, int] | None) -> str:
    if static.against_float is None or uncalibrated.against_float is None:
        return "Not answered: float32 was not measured beside them."
    quantized_costs = static.against_float.verdict == "worse"
    uncalibrated_costs = uncalibrated.against_float.verdict == "worse"
    calibration_helps = uncalibrated_costs and not quantized_costs
    between = ""
    if paired is not None:
        p = mcnemar(*paired)
        word = mcnemar_verdict(paired[1], paired[0], p)
        calibration_helps = word == "better"
        between = (
            f" Between the two, only calibrated is right on {count(paired[0], 'image')} and only "
            f"uncalibrated on {paired[1]:,} ({p_value(p)}: {_BETWEEN[word]})."
        )
    if quantized_costs:
        lead = (
            "Holds in so far as static is worse even when calibrated (its weights are quantized "
            "too, and this does not tell the two apart)"
        )
        lead += "; the missing calibration costs more" if calibration_helps else ""
    elif calibration_helps:
        shown = "don't" if static.against_float.verdict == "equivalent" else "are not shown to"
        lead = (
            "Does not hold here: the missing calibration costs accuracy, quantized activations "
            f"{shown}"
        )
    elif uncalibrated_costs:
        lead = "Does not hold here: static is worse than float32 only when not calibrated"
    elif {static.against_float.verdict, uncalibrated.against_float.verdict} == {"equivalent"}:
        lead = "Does not hold here: static is equivalent to float32, calibrated or not"
    else:
        lead = "Not shown here: static is not shown to be less accurate, calibrated or not"
    return (
        f"{lead}. Against float32, calibrated static {_counts(static.against_float)}; "
        "uncalibrated static, which is what the report measured, "
        f"{_counts(uncalibrated.against_float)}.{between}"
    )


def _counts(against: AgainstFloat) -> str:
    lost, gained, p = against.only_float_right, against.only_this_right, against.p
    if lost is None or gained is None or p is None:
        return f"is judged by no count of images ({against.verdict})"
    return f"loses {count(lost, 'image')} and gains {gained:,} ({p_value(p)}: {against.verdict})"


def _speed(float32: Row, dynamic: Row, static: Row, reading: Latency | None) -> str:
    single, batch, with_data = (
        batch1(float32),
        largest_batch(float32, "model"),
        largest_batch(float32, "end_to_end"),
    )
    if single is None or batch is None or with_data is None or reading is None:
        return "Not answered: float32 was not timed."
    rows = (dynamic, static)
    if untimed := [row.method for row in rows if speed_of(row, batch) is None]:
        return f"Not answered: {joined(untimed)} was not timed beside float32."
    faster = any("faster" in (_word(row, single), _word(row, batch)) for row in rows)
    lead = "Does not hold here" if faster else "Holds in that neither is shown to be faster"
    costs = "".join(_cost(row, single, batch) for row in rows)
    share = reading.median / with_data.median
    hidden = (
        "most of it: times taken this way hide the model"
        if share >= HIDES
        else "which draws ratios taken this way towards 1"
        if share >= MATTERS
        else "too little to hide the model"
    )
    return (
        f"{lead}. Model only, {_compared(rows, single)}; {_compared(rows, batch)}.{costs} "
        f"Timed with data loading as in the report, {_compared(rows, with_data)}. Reading the data "
        f"takes {seconds(reading.median)} s of float32's {seconds(with_data.median)} s for "
        f"{IMAGES:,} images ({percent(share, 0)}), {hidden}."
    )


def _cost(row: Row, single: Latency, batch: Latency) -> str:
    """Say whether a slower row pays its overhead by the call or by the image."""
    if _word(row, single) != "slower":
        return ""
    if _word(row, batch) == "slower":
        return f" What makes {row.method} slower is paid in large batches too."
    return f" So {row.method} pays overhead by the call, which large batches spread."


def _word(row: Row, baseline: Latency) -> str:
    speed = speed_of(row, baseline)
    return speed.verdict if speed else "not timed"


def _compared(rows: tuple[Row, ...], baseline: Latency) -> str:
    return f"at batch {baseline.batch:,} {joined(_against(row, baseline) for row in rows)}"


def _against(row: Row, baseline: Latency) -> str:
    speed = speed_of(row, baseline)
    if speed is None:
        return f"{row.method} was not timed"
    interval = f"{ratio(speed.value)}×, 95% interval {ratio(speed.low)}–{ratio(speed.high)}"
    return f"{row.method} {_SHOWN[speed.verdict]} ({interval})"
