"""What the harness adds to a call that takes 4 us: its own times against a bare loop's.

    python benchmarks/harness_cost.py

Both call the same runtime in this process, 500 calls each, in turn 2,000 times. The harness reads
the clock around each group of calls, as it does in a slice, the bare loop once around all; both
give the mean of a call. The ratio is paired by turn, with its 95 % interval by order statistics.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean, median

import numpy as np
from scipy.stats import quantile_test

from quantbench.harness.pool import write_samples
from quantbench.harness.worker import Request, Session
from quantbench.runtimes.null import Null, save_null
from quantbench.samples.records import Samples
from quantbench.tasks.network import TensorSpec

MICROSECONDS, CALLS, TURNS, GROUP = 4.0, 500, 2000, 5
IMAGES = np.zeros((CALLS, 1, 32, 32), np.float32)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_samples(folder / "samples", Samples("test", (IMAGES,)))
        artifact = save_null(folder, "float32", Null(call_us=MICROSECONDS))
        session = Session()
        session.answer(Request(do="samples", samples=str(folder / "samples")))
        outputs = (TensorSpec(name="logits", shape=(10,)),)
        load = Request(do="load", artifact=str(artifact.folder), runtime="null", outputs=outputs)
        session.answer(load)
        pairs = [(harness(session), bare(session)) for _ in range(TURNS)]
    ratios = [ours / theirs for ours, theirs in pairs]
    interval = quantile_test(ratios, p=0.5).confidence_interval(0.95)
    sys.stdout.write(
        f"harness {median(p[0] for p in pairs):.3f} us a call, bare loop "
        f"{median(p[1] for p in pairs):.3f} us; ratio {median(ratios):.4f} "
        f"({interval.low:.4f} to {interval.high:.4f})\n"
    )


def harness(session: Session) -> float:
    answer = session.answer(Request(do="time_model", batch=1, calls=CALLS, warm=50, group=GROUP))
    return fmean(answer["microseconds"])  # type: ignore[arg-type]


def bare(session: Session) -> float:
    predict, image = session._ready(), IMAGES[:1]
    predict(image)
    start = time.perf_counter()
    for _ in range(CALLS):
        predict(image)
    return (time.perf_counter() - start) / CALLS * 1e6


if __name__ == "__main__":
    main()
