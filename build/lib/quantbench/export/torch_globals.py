"""PyTorch's global state, which a method must leave as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Restore threads, default dtype, quantized engine, gradient mode and random state at the end.

    Libraries that trace a network draw random inputs, and some choose an engine or a dtype.
    """
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    engine, gradients = torch.backends.quantized.engine, torch.is_grad_enabled()
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_default_dtype(dtype)
            torch.backends.quantized.engine = engine
            torch.set_grad_enabled(gradients)
