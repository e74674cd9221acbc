"""Results of round numbers that no machine measured."""

from __future__ import annotations

from quantbench.harness.noise import Block, Noise
from quantbench.harness.records import Latency, Skipped, Throughput
from quantbench.numerics.coverage import Coverage
from quantbench.numerics.formats import ALL_FLOAT32
from quantbench.results.recommend import with_recommendations
from quantbench.results.records import (
    AgainstFloat,
    Interval,
    MetricFigure,
    MetricInfo,
    Results,
    Row,
)
from quantbench.results.speed import speed
from quantbench.results.statistics import (
    falls_short,
    mcnemar,
    paired_difference,
    score_verdict,
    wilson,
)
from quantbench.system.machine import Environment
from quantbench.tasks.records import Epoch, Training
from tests.formats import INT8_CHANNEL, INT8_TENSOR, UINT8_DYNAMIC, UINT8_STATED, UINT8_UNIT
from tests.formats import numerics as numbers

MACS = 416_520
SAMPLES = 10_000
ACCURACY = MetricInfo(
    name="accuracy",
    title="accuracy",
    unit="fraction",
    higher_is_better=True,
    kind="right_or_wrong",
    equivalence=0.001,
)
LINEAR_MACS = 120 * 84 + 84 * 10


def latency(kind, batch, microseconds, *, threads=1, wobble=0.01, blocks=10, starts=1):
    """Blocks at -wobble, 0 and +wobble around the median, `blocks` in each of `starts`."""
    values = [microseconds * (1 + wobble * (number % 3 - 1)) for number in range(blocks)] * starts
    return Latency(
        batch=batch,
        threads=threads,
        kind=kind,
        blocks=tuple((value, value, value * 1.1) for value in values),
        starts=tuple(start for start in range(starts) for _ in range(blocks)),
        median=microseconds,
        p95=microseconds * 1.1,
        p99=microseconds * 1.1,
    )


def against_fastest(times):
    starts = 1 + max(start for time in times for start in time.starts) if times else 1
    fastest = (
        latency("model", 1, 40.0, starts=starts),
        latency("model", 1000, 25.0, starts=starts),
        latency("end_to_end", 1000, 45.0, starts=starts),
    )
    name = "float32 on onnxruntime"
    return tuple(speed(name, a, b) for a, b in zip(fastest, times, strict=True))


def row(
    method="float32",
    runtime="torch",
    *,
    size=250_000,
    correct=9_900,
    lost=0,
    gained=0,
    loss=0.03,
    single=200.0,
    model=80.0,
    end_to_end=100.0,
    float_macs=MACS,
    numerics=ALL_FLOAT32,
    baseline=None,
    wobble=0.01,
    starts=1,
    **changes,
):
    times = (
        latency("model", 1, single, wobble=wobble, starts=starts),
        latency("model", 1000, model, wobble=wobble, starts=starts),
        latency("end_to_end", 1000, end_to_end, wobble=wobble, starts=starts),
    )
    against = None
    if baseline is not None:
        both = correct - gained
        p = mcnemar(lost, gained)
        difference = paired_difference(both, gained, lost, SAMPLES - both - gained - lost)
        against = AgainstFloat(
            baseline=f"{baseline.method} on {baseline.runtime}",
            bytes_ratio=baseline.bytes / size,
            difference=difference,
            verdict=score_verdict(
                difference, p, higher_is_better=True, equivalent=ACCURACY.equivalence
            ),
            costs=falls_short(difference, higher_is_better=True, margin=0.0),
            p=p,
            adjusted_p=p,
            only_float_right=lost,
            only_this_right=gained,
            speed=tuple(
                speed(f"{baseline.method} on {baseline.runtime}", a, b)
                for a, b in zip(baseline.latency, times, strict=True)
            ),
        )
    fields = {
        "method": method,
        "runtime": runtime,
        "format": "onnx" if runtime == "onnxruntime" else "state_dict",
        "settings": {},
        "numerics": numerics,
        "kind": "float" if float_macs == MACS else "real",
        "artifact": f"artifacts/{method}-{runtime}",
        "artifact_sha256": "0" * 64,
        "files": {"state.pt": size},
        "bytes": size,
        "coverage": Coverage(integer_macs=MACS - float_macs, float_macs=float_macs),
        "samples": SAMPLES,
        "score": wilson(correct, SAMPLES),
        "metrics": {
            "accuracy": MetricFigure(
                value=correct / SAMPLES, unit="fraction", higher_is_better=True
            ),
            "loss": MetricFigure(value=loss, unit="nats", higher_is_better=False),
        },
        "threads": 1,
        "busy_threads": 1.0,
        "warm_up": 8,
        "cold_start": 1.5,
        "peak_memory": 300_000_000,
        "throughput": Throughput(images_per_second=1e6 / model, batch=1000, threads=1),
        "against_fastest": against_fastest(times) if runtime != "onnxruntime" else (),
        "latency": times,
        "against_float": against,
    }
    return Row(**(fields | changes))


SQUARED = MetricInfo(
    name="mean_squared_error",
    title="mean squared error",
    unit="units²",
    higher_is_better=False,
    kind="per_sample",
    equivalence=0.000123,
)


def interval(value, half, how="BCa bootstrap, 9,999 resamples"):
    return Interval(value=value, low=value - half, high=value + half, how=how)


def errors(value, *args, difference=0.0, verdict="not resolved", **changes):
    """A row that is judged by its squared error."""
    this = row(*args, **changes)
    against = this.against_float and this.against_float.model_copy(
        update={
            "difference": interval(difference, 0.002),
            "verdict": verdict,
            "p": None,
            "adjusted_p": None,
            "costs": verdict == "worse",
            "only_float_right": None,
            "only_this_right": None,
        }
    )
    score = None if value is None else interval(value, abs(0.1 * value))
    update = {"score": score, "metrics": {}, "against_float": against}
    return this.model_copy(update=update)


def rows():
    float32 = row()
    return (
        float32,
        row(
            "dynamic",
            size=220_000,
            correct=9_899,
            lost=2,
            gained=1,
            single=250.0,
            float_macs=MACS - LINEAR_MACS,
            numerics=numbers(INT8_TENSOR, UINT8_DYNAMIC),
            baseline=float32,
        ),
        row(
            "static_uncalibrated",
            size=76_500,
            correct=9_800,
            lost=120,
            gained=20,
            loss=0.07,
            single=100.0,
            model=40.0,
            end_to_end=60.0,
            float_macs=0,
            numerics=numbers(INT8_CHANNEL, UINT8_UNIT),
            notes=("not calibrated: every activation is rounded to a whole number",),
            baseline=float32,
        ),
        row(
            "static",
            size=75_000,
            correct=9_895,
            lost=15,
            gained=10,
            loss=0.0305,
            single=100.0,
            model=40.0,
            end_to_end=60.0,
            wobble=0.15,
            float_macs=0,
            numerics=numbers(INT8_CHANNEL, UINT8_STATED),
            notes=("calibrated on 1000 images, observer histogram",),
            baseline=float32,
        ),
        row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0),
    )


def training():
    return Training(
        model="lenet",
        data="mnist",
        recipe="default",
        seed=1,
        settings={"batch": 64, "epochs": 3},
        threads=2,
        loss_every=10,
        losses=tuple(0.3 + 2 / (1 + number) + 0.05 * (number % 5) for number in range(258)),
        epochs=tuple(
            Epoch(
                epoch=n + 1, test_loss=0.05 - n * 0.01, test_accuracy=0.985 + n * 0.004, seconds=9
            )
            for n in range(3)
        ),
    )


def environment(**changes):
    fields = {
        "cpu": "Example CPU 9000",
        "architecture": "x86_64",
        "instruction_sets": ("sse4_2", "avx", "avx2", "avx512f", "avx512_vnni"),
        "cores": 2,
        "memory_bytes": 8 << 30,
        "governor": None,
        "load": 0.1,
        "system": "Linux 6.0",
        "python": "3.11.0",
        "versions": {"quantbench": "0.1.0", "torch": "2.13.0", "onnxruntime": "1.32.0"},
    }
    return Environment(**(fields | changes))


def noise(**changes):
    fields = {
        "processors": (1,),
        "blocks": tuple(
            Block(start=0, seconds=1.0, stolen=0.0, megahertz=2_500.0, kept=number > 0)
            for number in range(10)
        ),
        "request": 150.0,
        "start_seconds": 8.0,
    }
    return Noise(**(fields | changes))


def results(*chosen, **changes):
    fields = {
        "quantbench": "0.1.0",
        "model": "lenet",
        "data": "mnist",
        "parameters": 61_706,
        "macs": MACS,
        "sample": "image",
        "metric": ACCURACY,
        "network_sha256": "0" * 64,
        "training": training(),
        "splits": {"test": "0" * 64},
        "preprocessing_sha256": "0" * 64,
        "environment": environment(),
        "data_loading": latency("end_to_end", 1000, 20.0),
        "noise": noise(),
        "rows": chosen or rows(),
        "skipped": (
            Skipped(method="static", runtime="onnxruntime", reason="reads onnx, not torch"),
        ),
    }
    return with_recommendations(Results(**(fields | changes)))
