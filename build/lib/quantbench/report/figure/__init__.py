"""PNG figures, one file each; each takes records and returns the bytes of a PNG."""

from quantbench.report.figure.comparison import comparison_figure
from quantbench.report.figure.latency import latency_figure
from quantbench.report.figure.loss import loss_figure
from quantbench.report.figure.tradeoff import tradeoff_figure

__all__ = ["comparison_figure", "latency_figure", "loss_figure", "tradeoff_figure"]
