"""What a training run reports: every model beside the baselines, with base rate and intervals."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich.table import Table

from gnn.metrics import Evaluation


@dataclass(frozen=True)
class ReportRow:
    """One model on one set of rows. `low` and `high` bound the precision (95 % bootstrap)."""

    model: str
    base: float
    precision: float
    low: float
    high: float
    lift: float
    normalised: float
    recall: float
    auc: float
    average_precision: float
    brier: float
    calibration_error: float
    validation: float

    @classmethod
    def of(cls, model: str, result: Evaluation, validation: float) -> "ReportRow":
        """The row of an evaluation; `validation` is the average precision on validation."""
        return cls(
            model,
            result.base,
            result.precision.value,
            result.precision.low,
            result.precision.high,
            result.lift,
            result.normalised,
            result.recall,
            result.auc,
            result.average_precision,
            result.brier,
            result.calibration_error,
            validation,
        )


@dataclass(frozen=True)
class TrainingReport:
    """The outcome of `gnn.train.train`; the same facts are in the model's `card.json`.

    `rows` are judged on the test period; `novel_rows` on its shipments whose exact product tuple
    no training row has. `judged` says on what, `notes` what a reader must know.
    """

    version: str
    champion: str
    snapshot: str
    rows: tuple[ReportRow, ...]
    novel_rows: tuple[ReportRow, ...]
    judged: str
    notes: tuple[str, ...]
    split: Mapping[str, Any]
    enterprises: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; numbers that do not exist are null."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain

    def text(self) -> str:
        """The tables and notes as plain text."""
        parts = [f"model {self.version}, champion: {self.champion}", self.judged, _text(self.rows)]
        if self.novel_rows:
            parts += ["only shipments with a product tuple never seen in training:"]
            parts += [_text(self.novel_rows)]
        return "\n".join([*parts, *self.notes])

    def __rich__(self) -> Table:
        table = Table(title=f"{self.judged}; champion: {self.champion}")
        for name in _HEADS:
            table.add_column(name, justify="left" if name == "model" else "right")
        for row in self.rows:
            style = "bold" if row.model == self.champion else None
            table.add_row(*_cells(row), style=style)
        return table


_HEADS = ("model", "base", "P@4 %", "95 %", "lift", "nP@4", "recall", "AUC", "AP", "Brier", "ECE")


def _cells(row: ReportRow) -> tuple[str, ...]:
    values = (row.normalised, row.recall, row.auc, row.average_precision, row.brier)
    return (
        row.model,
        f"{row.base:.4f}",
        f"{row.precision:.3f}",
        f"{row.low:.3f} to {row.high:.3f}",
        f"{row.lift:.2f}",
        *(f"{value:.3f}" for value in values),
        f"{row.calibration_error:.4f}",
    )


def _text(rows: tuple[ReportRow, ...]) -> str:
    lines = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS))]
    return "\n".join(
        line[0].ljust(widths[0])
        + "".join(
            f"  {cell.rjust(width)}" for cell, width in zip(line[1:], widths[1:], strict=True)
        )
        for line in lines
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
