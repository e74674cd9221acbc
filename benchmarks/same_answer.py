"""Whether the study names the same row to ship, run after run, on an idle and on a busy machine.

    python -m benchmarks.same_answer OUT [--runs 20] [-- OPTIONS OF quantbench run]

OUT is a folder of results; what was quantized there is used, and times are taken anew for each
run: every second one beside two busy loops. Claims about the source report are compared as well.
The results of each run stay there, as results-1.json and so on.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quantbench.results.file import read_results
from quantbench.results.records import Recommendation, Results

LOOP = "while True: sum(range(1000))"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("options", nargs="*")
    asked = parser.parse_args()
    answers, claims = Counter[str](), Counter[str]()
    for number in range(asked.runs):
        shutil.rmtree(asked.out / "timings", ignore_errors=True)
        began = time.monotonic()
        with busy(2 if number % 2 else 0):
            subprocess.run(
                ["quantbench", "run", "--out", str(asked.out), *asked.options],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        results = read_results(asked.out / "results.json")
        shutil.copy(asked.out / "results.json", asked.out / f"results-{number + 1}.json")
        named = [answer(each) for each in results.answers]
        answers[" | ".join(name for name, _ in named)] += 1
        claims[" | ".join(reported(results))] += 1
        sys.stdout.write(
            f"{'busy' if number % 2 else 'idle'}, {time.monotonic() - began:.0f} s: "
            f"{'; '.join(f'{name} {interval}' for name, interval in named)}; "
            f"{'; '.join(reported(results))}\n"
        )
        sys.stdout.flush()
    sys.stdout.write(f"answers: {dict(answers)}\nclaims: {dict(claims)}\n")


@contextmanager
def busy(loops: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def answer(found: Recommendation) -> tuple[str, str]:
    """The row to ship at a batch, and the interval of its speed."""
    if found.ship is None:
        return f"keep {found.float32}", ""
    ratio = found.ship.speed
    width = (ratio.high - ratio.low) / ratio.value
    return found.ship.row, f"{ratio.value:.3f} ({ratio.low:.3f} to {ratio.high:.3f}, {width:.1%})"


def reported(results: Results) -> list[str]:
    """What is said of PyTorch's dynamic and static quantization, at each batch."""
    rows = {row.name: row for row in results.rows}
    return [
        f"{name} {ratio.kind} {ratio.batch}: {ratio.verdict}"
        for name in ("dynamic on torch", "static on torch")
        if name in rows and (against := rows[name].against_float) is not None
        for ratio in against.speed
        if ratio.kind == "model"
    ]


if __name__ == "__main__":
    main()
