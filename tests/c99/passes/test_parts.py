"""Parts of layers give the bits of the whole, in any order within a stage."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.build.library import WARNINGS, write_files
from quantbench.c99.ir.graph import Window
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.passes.layout import plan
from quantbench.c99.passes.parts import divided, divided_above
from quantbench.c99.target.isa import ISAS
from tests.c99 import checking
from tests.c99.builder import Builder, lenet
from tests.c99.parted import every_layer, parted

BACKWARDS = """
#include <string.h>
#include "parts.h"
#include "golden.h"
static uint8_t scratch[SCRATCH];
int main(void)
{
    model_output output[MODEL_OUTPUT_SIZE];
    for (int i = 0; i < MODEL_GOLDEN_COUNT; i++) {
        memset(scratch, 85 * i, sizeof scratch);
        for (int stage = 0; stage < MODEL_STAGES; stage++) {
            for (int part = MODEL_PARTS - 1; part >= 0; part--) {
                if (model_stages[stage][part] != NULL) {
                    model_stages[stage][part](model_golden_inputs + i * MODEL_INPUT_SIZE, output,
                                              scratch);
                }
            }
        }
        if (memcmp(output, model_golden_outputs + i * MODEL_OUTPUT_SIZE, sizeof output) != 0) {
            return i + 1;
        }
    }
    return 0;
}
"""


@pytest.mark.parametrize(("count", "file_from"), [(2, None), (2, 1), (3, None)])
def test_parts_give_the_golden_vectors_backwards(
    tmp_path: Path, count: int, file_from: int | None
) -> None:
    """With every set of kernels that this CPU has, and the portable ones; without a warning."""
    emitted, division = parted(every_layer(), count, file_from)
    assert emitted.parts is not None
    assert division.divided >= 12
    write_files({**emitted.all_files, **emitted.parts.all_files}, tmp_path)
    (tmp_path / "backwards.c").write_text(BACKWARDS, encoding="utf-8")
    whole = ("model.c",) if file_from else ()
    scratch = f"-DSCRATCH={emitted.parts.scratch}"
    sources = (*whole, "parts.c", "backwards.c", scratch, "-o", "run")
    sets = [None, *(isa for isa in ISAS if checking.has(isa))] if count == 2 else [None]
    if file_from:
        portable = ("-DMODEL_KERNELS=MODEL_PORTABLE", "-DMODEL_WEIGHTS_IN_C")
        assert ran(tmp_path, *sources, *portable) == 0
    for isa in sets:
        assert ran(tmp_path, *sources, *checking.chosen(isa)) == 0, isa


def test_weights_are_in_the_program_once() -> None:
    """Rows have the whole weights, and some channels a part of them; a part of a layer that has
    other tiles than the whole one has them in another order.
    """
    emitted, _ = parted(every_layer(), 2, file_from=1)
    assert emitted.parts is not None
    text, own = emitted.parts.files["parts.c"], emitted.parts.data["parts.c.bin"]
    assert text.count("MODEL_WEIGHTS_OF(") > 20
    assert len(own) < 0.15 * len(emitted.data["model.c.bin"])


def ran(folder: Path, *arguments: str) -> int:
    """The exit code of a program that is built without a warning."""
    flags = ("-std=c99", "-O0", *WARNINGS, "-Wno-unused-parameter")
    built = subprocess.run(
        (*checking.command(), *flags, *arguments), cwd=folder, capture_output=True, check=False
    )
    assert built.returncode == 0, built.stderr.decode(errors="replace")
    return subprocess.run(("./run",), cwd=folder, check=False).returncode


def test_rows_are_read_with_the_pads_that_are_left() -> None:
    build = Builder((2, 9, 4))
    laid = plan(build.graph(build.conv("input", 3, Window((3, 3), (2, 2), (1, 1, 1, 1)))))
    (stage,) = divided_above(laid, 2, -1e9).stages
    (_, first), (_, second) = (part for (part,) in stage)
    assert (first.output.shape, second.output.shape) == ((3, 2, 2), (3, 3, 2))
    assert (first.inputs[0].at, second.inputs[0].at) == ("input", f"input + {3 * 4 * 2}")
    assert (first.inputs[0].shape, second.inputs[0].shape) == ((2, 4, 4), (2, 6, 4))
    assert isinstance(first.work, Conv)
    assert isinstance(second.work, Conv)
    assert (first.work.window.pads, second.work.window.pads) == ((1, 1, 0, 1), (0, 1, 1, 1))


def test_outputs_of_a_fully_connected_layer_are_divided() -> None:
    build = Builder((5,))
    laid = plan(build.graph(build.dense("input", 40)))
    ((first, second),) = divided_above(laid, 2, -1e9).stages
    shapes = [part.output.shape for _, part in (*first, *second)]
    assert shapes == [(16,), (24,)]
    whole = laid.steps[0].work
    assert isinstance(whole, type(first[0][1].work))
    weights = [getattr(part.work, "weights") for _, part in (*first, *second)]  # noqa: B009
    assert np.array_equal(np.concatenate(weights), getattr(whole, "weights"))  # noqa: B009


def test_threads_serve_large_layers_only() -> None:
    small = divided(plan(lenet()), 2)
    assert not small.pays
    assert small.sentence.startswith("One thread computes an image")
    build = Builder((64, 32, 32))
    x = build.conv("input", 64, Window((3, 3), (1, 1), (1, 1, 1, 1)))
    large = divided(plan(build.graph(build.conv(x, 64, Window((1, 1))))), 2)
    assert large.pays
    assert large.divided == 2
    assert large.sentence.startswith("2 layers are computed in 2 parts")
