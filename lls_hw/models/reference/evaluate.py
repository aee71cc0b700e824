"""Test accuracy of a reference, and running statistics estimated anew."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lls_hw.models.reference.network import Reference

Batches = Callable[[], Iterable[tuple[Tensor, npt.NDArray[np.int64]]]]


def test_accuracy(reference: Reference, batches: Iterable[tuple[Tensor, npt.NDArray[np.int64]]]) -> float:
    """Share of correct classifications, in percent, with running BatchNorm statistics."""
    right = total = 0
    with torch.no_grad():
        for x, labels in batches:
            answers = reference.forward(x, training=False).logits.argmax(1).cpu().numpy()
            right += int((answers == labels).sum())
            total += len(labels)
    return 100.0 * right / max(total, 1)


test_accuracy.__test__ = False  # type: ignore[attr-defined]  # a measurement, not a test of ours


def reestimated(reference: Reference, batches: Iterable[Tensor]) -> Reference:
    """The same parameters with running statistics averaged over a few batches.

    A schedule-free optimiser tests at averaged weights that no training batch has seen, so the
    statistics gathered in training are not theirs (Defazio et al. 2024).
    """
    fresh = replace(reference, buffers={}, dropout=0.0)
    with torch.no_grad():
        for count, x in enumerate(batches, start=1):
            fresh.bn_momentum = 1.0 / count
            fresh.forward(x, training=True)
    return fresh
