"""A realistic explanation of any results, which nobody measured: it follows from formulas."""

from __future__ import annotations

import itertools
import math

import numpy as np

from quantbench.explain.records import (
    Calibration,
    CalibrationPoint,
    ChangedSample,
    ClassChange,
    Disagreement,
    ErrorByLayer,
    Explanation,
    Histogram,
    LayerError,
    LayerSensitivity,
    LayerTime,
    Limit,
    Mixed,
    Peaks,
    Sensitivity,
    TimeSplit,
    Unsplit,
)
from quantbench.explain.thumbnail import thumbnail
from quantbench.results.records import Evidence, Finding, Interval, Results
from quantbench.samples.records import Samples

LAYERS = (
    ("features.0", "Conv2d", 86_400),
    ("features.3", "Conv2d", 240_000),
    ("classifier.0", "Linear", 48_000),
    ("classifier.2", "Linear", 10_080),
    ("classifier.4", "Linear", 840),
)
CLASSES = 10
PICTURE = thumbnail(
    Samples("test", (np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(1, 28, 28),)), 0
)


def explanation(results: Results, **changes) -> Explanation:
    timed = [row for row in results.rows if row.latency]
    real = [row for row in results.rows if row.kind == "real"]
    artifacts = {f"{row.method} {row.format}": row for row in real}
    fields = {
        "results_sha256": "0" * 64,
        "peaks": Peaks(
            macs_per_us={"avx2 float32": 38_000.0, "avx512vnni int8": 210_000.0},
            bytes_per_us={"memory": 11_000.0, "l2": 60_000.0, "l1": 160_000.0},
        ),
        "times": tuple(split(row) for row in timed),
        "unsplit": (Unsplit(row="static on ncnn", reason="ncnn has no profiler here"),),
        "errors": tuple(errors(row, place) for place, row in enumerate([*artifacts.values()][:4])),
        "sensitivity": (sensitivity(),),
        "calibration": (calibration(),),
        "disagreement": tuple(disagreement(row, place) for place, row in enumerate(real[:3])),
        "findings": findings(real[0].name if real else ""),
        "notes": ("Profiled on one thread.",),
    }
    return Explanation(**(fields | changes))


def split(row):
    total = row.latency[0].median
    shares = {
        "integer": 0.34 if row.kind == "real" else 0.0,
        "float": 0.0 if row.kind == "real" else 0.55,
        "conversion": 0.21 if row.kind == "real" else 0.0,
        "other": 0.15,
    }
    parts = {part: share * total for part, share in shares.items()}
    parts["call"] = total - sum(parts.values())
    whole = sum(macs for *_, macs in LAYERS)
    return TimeSplit(
        row=row.name,
        batch=1,
        threads=1,
        total_us=total,
        profiled_us=1.1 * total,
        profiler=f"{row.runtime}'s profiler",
        parts=parts,
        layers=tuple(
            LayerTime(
                name=name, kind=kind, part="integer" if row.kind == "real" else "float",
                us=total * 0.5 * macs / whole, macs=macs,
            )
            for name, kind, macs in LAYERS
        ),
        limit=Limit(
            compute_us=0.05 * total, memory_us=0.08 * total, bound_by="memory", share=0.08
        ),
    )  # fmt: skip


def errors(row, place):
    levels = [41.0 - 6 * depth - 3 * place for depth in range(len(LAYERS))]
    return ErrorByLayer(
        artifact=f"{row.method} {row.format}",
        samples=64,
        layers=tuple(
            LayerError(
                layer=name,
                kind=kind,
                sqnr_db=level,
                made_db=level + 4,
                cosine=1 - 10 ** (-level / 10) / 2,
                largest_steps=3.5,
                clipped=0.001 * place,
                levels_used=200 - 20 * place,
                levels=256,
                constant_channels=place,
                channels=16,
            )
            for (name, kind, _), level in zip(LAYERS, levels, strict=True)
        ),
        histograms=tuple(
            histogram(name, what) for name, *_ in LAYERS[:2] for what in ("weights", "activations")
        )
        if place == 0
        else (),
    )


def histogram(layer, what):
    edges = tuple(-3 + 0.15 * step for step in range(41))
    counts = tuple(
        round(5_000 * math.exp(-((a + b) ** 2) / 2)) for a, b in itertools.pairwise(edges)
    )
    return Histogram(
        tensor=f"{layer}.{what}", layer=layer, what=what, edges=edges, counts=counts, low=-1.2,
        high=1.2,
    )  # fmt: skip


def sensitivity():
    return Sensitivity(
        method="static",
        samples=2_000,
        layers=tuple(
            LayerSensitivity(
                layer=name,
                macs=macs,
                alone=Interval(value=value, low=value - 0.0006, high=value + 0.0006, how="paired"),
                alone_loss=-value * 3,
                all_but=Interval(
                    value=-value / 2,
                    low=-value / 2 - 0.0005,
                    high=-value / 2 + 0.0005,
                    how="paired",
                ),
            )
            for (name, _, macs), value in zip(
                LAYERS, (-0.0025, -0.0011, -0.0003, 0.0, 0.0002), strict=True
            )
        ),
        mixed=Mixed(
            max_drop=0.1,
            unit="points",
            left_float=("features.0",),
            float_macs_share=0.207,
            difference=Interval(value=-0.0004, low=-0.0009, high=0.0001, how="paired"),
            recipe="recipes/static.toml",
            reached=True,
        ),
    )


def calibration():
    return Calibration(
        method="static",
        notes=("A note on calibration.",),
        unit="fraction",
        points=tuple(
            CalibrationPoint(
                observer=observer,
                samples=samples,
                mean=0.991 - gap / samples,
                low=0.991 - 1.6 * gap / samples,
                high=0.9915 - 0.5 * gap / samples,
                draws=5,
            )
            for observer, gap in (("histogram", 0.02), ("minmax", 0.035))
            for samples in (1, 4, 16, 64, 256, 1024, 2048)
        ),
        enough=64,
    )


def disagreement(row, place):
    confusion = tuple(
        tuple(
            990 - place * answer if answer == target else (target * 3 + answer * 7 + place) % 5
            for answer in range(CLASSES)
        )
        for target in range(CLASSES)
    )
    return Disagreement(
        row=row.name,
        samples=10_000,
        changed=31 + place,
        only_float_right=15,
        only_this_right=10,
        float_probability_of_changed=0.52,
        classes=tuple(
            ClassChange(label=str(n), samples=1_000, float_right=991, right=confusion[n][n])
            for n in range(CLASSES)
        ),
        confusion=confusion,
        examples=tuple(
            ChangedSample(
                index=100 * n + place, target=n, float_answer=n, answer=(n + 3) % CLASSES,
                float_probability=0.5 + n / 40, probability=0.55,
                picture=PICTURE if place == 0 else "",
            )
            for n in range(8)
        ),
    )  # fmt: skip


def findings(row):
    return (
        Finding(
            rule="fixed_cost",
            weight="cost",
            sentence="The call itself costs more than the arithmetic.",
            evidence=(Evidence(what="fixed cost of a call", value=30.0, unit="%"),),
            remedy="Call it with larger batches, or use a runtime with a cheaper call.",
            rows=(row,) if row else (),
        ),
        Finding(
            rule="never_calibrated",
            weight="fault",
            sentence="Its activations were never calibrated.",
            evidence=(
                Evidence(what="activations with scale 1", value=5, unit="layers"),
                Evidence(what="change of accuracy", value=-1.0, unit="points"),
            ),
            remedy="Calibrate it on 64 samples or more.",
        ),
        Finding(
            rule="integer_peak",
            weight="note",
            sentence="This CPU multiplies int8 5.5 times as fast as float32 at best.",
            evidence=(Evidence(what="int8 over float32", value=5.53),),
            remedy="Nothing is to be done.",
        ),
    )
