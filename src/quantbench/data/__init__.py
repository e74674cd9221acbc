"""Data sets, one file each: what they are, where they come from, how they are split.

A plug-in holds `SPEC`, a `DataSpec`. `load(SPEC)` gives the splits, `preprocess` makes a
network's input of images, `probe` says which sources answer.
"""

from quantbench.data.idx.load import (
    iterate_like_a_report,
    load,
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
from quantbench.data.idx.web import Network

__all__ = [
    "DataSpec",
    "IdxFile",
    "Network",
    "SourceStatus",
    "Split",
    "Splits",
    "Wheel",
    "iterate_like_a_report",
    "load",
    "preprocess",
    "preprocess_sha256",
    "probe",
    "split_indices",
]
