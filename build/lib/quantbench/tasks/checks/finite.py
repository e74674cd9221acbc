"""Checks for NaN and infinity: in weights, in inputs and in what the network answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.checks.evidence import Evidence, is_numeric
from quantbench.tasks.records import Diagnostic


def weights_not_finite(evidence: Evidence) -> Iterator[Diagnostic]:
    """A parameter or buffer of the module holds NaN or infinity."""
    if evidence.module is None:
        return
    names = [
        name
        for name, tensor in evidence.module.state_dict().items()
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all())
    ]
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield Diagnostic(
            code="weights-not-finite",
            sentence=f"the weights '{names[0]}'{more} hold NaN or infinity",
            remedy="take weights of an earlier epoch: training diverged, or the file is damaged",
        )


def inputs_not_finite(evidence: Evidence) -> Iterator[Diagnostic]:
    """Inputs hold NaN or infinity."""
    for name, arrays in (
        ("calibration", evidence.calibration_inputs),
        ("test", evidence.test_inputs),
    ):
        share = _share_not_finite(tuple(array for array in arrays if is_numeric(array)))
        if share:
            yield Diagnostic(
                code="inputs-not-finite",
                sentence=f"{share:.1%} of the {name} samples looked at hold NaN or infinity",
                remedy="leave these samples out, or fill what is missing: no range can be "
                "calibrated on them",
            )


def outputs_not_finite(evidence: Evidence) -> Iterator[Diagnostic]:
    """The float network answers NaN or infinity."""
    share = _share_not_finite(tuple(array for array in evidence.outputs if is_numeric(array)))
    if share:
        yield Diagnostic(
            code="outputs-not-finite",
            sentence=f"the float network answers NaN or infinity to {share:.1%} of the test "
            "samples looked at",
            remedy="find the layer that overflows; a network that fails in float can't be "
            "compared with",
            stops=True,
        )


def _share_not_finite(arrays: Arrays) -> float:
    """The share of samples with NaN or infinity in any of the arrays."""
    if not arrays or len(arrays[0]) == 0:
        return 0.0
    bad = np.logical_or.reduce([_bad(array) for array in arrays])
    return float(bad.mean())


def _bad(array: Array) -> Array:
    return np.asarray(~np.isfinite(array.reshape(len(array), -1)).all(1))
