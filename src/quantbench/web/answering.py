"""Answer one drawing at a time: read the digit, ask each row, look inside the networks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quantbench.data import DataSpec, preprocess
from quantbench.errors import ImageError
from quantbench.system.record import Record
from quantbench.tasks.digit import SIDE, read_digit
from quantbench.web.checks import RefusedError
from quantbench.web.layers import Inside, RowLayers, row_layers
from quantbench.web.row_worker import RowAnswer
from quantbench.web.strokes import Stroke, Strokes

_MAX_PIXELS = 25_000_000
"""A page's picture may be smaller than one of the command line: a stranger may have sent it."""
_CLOSING_SECONDS = 5.0


class AnsweringRow(Protocol):
    """A row that answers; row_worker.py has the one that runs an artifact."""

    def start(self, inputs: NDArray[np.float32]) -> str:
        """Start with a first input; the fault, or ""."""
        ...

    def answer(self, inputs: NDArray[np.float32]) -> RowAnswer:
        """Answer one input, [1, ...]."""
        ...

    def close(self) -> None:
        """End."""
        ...


class Answered(Record):
    """The reply to a drawing."""

    pixels: tuple[int, ...]
    """The digit as networks see it: 28 rows of 28 gray levels, 0 to 255."""
    rows: tuple[RowAnswer, ...]
    layers: tuple[RowLayers, ...] = ()


@dataclass(frozen=True, eq=False)
class Answering:
    """The rows that answer, and the form of the data that they were trained on.

    Threads may share it: drawings are answered one after another, and one that its page has
    overtaken is dropped.
    """

    spec: DataSpec
    rows: Sequence[AnsweringRow]
    insides: tuple[Inside, ...] = ()
    _strokes: Strokes = field(default_factory=Strokes)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[tuple[str, ...]]:
        """Start every row; the fault of each within the context, "" of most. Leaving ends all."""
        blank = preprocess(np.zeros((1, SIDE, SIDE), np.uint8), self.spec)
        try:
            yield tuple(row.start(blank) for row in self.rows)
        finally:
            in_turn = self._turn.acquire(timeout=_CLOSING_SECONDS)
            for row in self.rows:
                row.close()
            if in_turn:
                self._turn.release()

    def answer(self, picture: bytes, stroke: Stroke | None = None) -> Answered:
        """The answers to a PNG or JPEG.

        Raises RefusedError where it holds no digit (422), or was overtaken (409).
        """
        self._strokes.begin(stroke)
        with self._turn:
            self._require_newest(stroke)
            try:
                digit = read_digit(picture, "the picture", _MAX_PIXELS)
            except ImageError as error:
                raise RefusedError(422, str(error)) from error
            inputs = preprocess(digit[np.newaxis], self.spec)
            answers = list[RowAnswer]()
            for row in self.rows:
                self._require_newest(stroke)
                answers.append(row.answer(inputs))
            inner = tuple(row_layers(inside, inputs) for inside in self.insides)
        return Answered(pixels=tuple(digit.reshape(-1).tolist()), rows=tuple(answers), layers=inner)

    def _require_newest(self, stroke: Stroke | None) -> None:
        if self._strokes.is_overtaken(stroke):
            raise RefusedError(409, "a newer drawing has overtaken this one")
