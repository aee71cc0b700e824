"""Options and outcome of a float training run. NumPy only, no torch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lls_hw.models.reference.schedule import RateScheduleSpec
from lls_hw.models.spec.errors import SpecError

Stored = npt.NDArray[np.generic]
Positions = npt.NDArray[np.int64] | slice
Prepare = Callable[[Stored, int | None], npt.NDArray[np.float32]]
"""(stored pictures, step; None in a test) to float images (N, H, W, C)."""


class PictureRows(Protocol):
    """Anything indexed by positions like an array (count, H, W, C)."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: Positions, /) -> Stored: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Pictures (count, H, W, C) with a label each."""

    images: PictureRows
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """Everything about a run but what is trained and on what.

    An update takes the mean gradient of `accumulate` batches. `bn_batches` re-estimate BatchNorm before a test
    under a schedule-free optimiser; `warmup_steps` are the schedule-free ones'.
    """

    epochs: int
    batch: int = 64
    accumulate: int = 1
    seed: int = 0
    schedule: RateScheduleSpec = field(default_factory=RateScheduleSpec)
    dropout: float = 0.0
    dtype: str = "float32"
    device: str = "cpu"
    test_batch: int = 500
    bn_batches: int = 20
    warmup_steps: int = 0
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "accumulate", "test_batch", "bn_batches"):
            if getattr(self, name) < 1:
                raise SpecError(f"--{name}", getattr(self, name), "it is at least 1", "Use 1 or more.")
        if not 0 <= self.dropout < 1:
            raise SpecError("--dropout", self.dropout, "it is a share below 1", "Use 0 to switch it off.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """Outcome of a run: the curve [{epoch, loss, test_accuracy}] (percent), and its final state.

    `parameters` are in program layout (of a schedule-free optimiser: the averaged ones), `statistics` the
    running mean and variance per layer.
    """

    curve: tuple[dict[str, float], ...]
    parameters: dict[str, npt.NDArray[Any]]
    statistics: dict[str, npt.NDArray[Any]]
    images_per_s: float


def as_floats(images: Stored, step: int | None) -> npt.NDArray[np.float32]:
    """The default preparation: the stored numbers as they are, in float32."""
    return np.asarray(images, np.float32)
