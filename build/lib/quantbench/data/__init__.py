"""Data sets, one file each, with their sources and splits.

A plug-in in MNIST's form holds `SPEC`, a `DataSpec`: `load(SPEC)` returns the splits, `preprocess`
turns images into a network's input, `probe` tells which sources answer. Any other holds `TITLE`,
`CLASSES` and `load`, which returns the splits as samples.
"""

from quantbench.data.idx.load import (
    as_samples,
    iterate_like_a_report,
    load,
    load_samples,
    preprocess,
    preprocess_sha256,
    split_indices,
)
from quantbench.data.idx.probe import probe
from quantbench.data.idx.spec import (
    DataSpec,
    IdxFile,
    SourceStatus,
    Split,
    Splits,
    Wheel,
)
from quantbench.data.idx.web import TransferLimits

__all__ = [
    "DataSpec",
    "IdxFile",
    "SourceStatus",
    "Split",
    "Splits",
    "TransferLimits",
    "Wheel",
    "as_samples",
    "iterate_like_a_report",
    "load",
    "load_samples",
    "preprocess",
    "preprocess_sha256",
    "probe",
    "split_indices",
]
