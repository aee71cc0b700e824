"""Errors that start a backward pass: a classifier's cross-entropy, and a target's projection."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op
from lls_hw.models.spec.geometry import WeightedLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss(Op):
    """Cross-entropy of a linear classifier: e = (softmax - target) / N, and its bias gradient.

    The final classifier's, or, with its `temperature`, that of a block's own classifier.

    Reads: logits, labels. Writes: error, bias_grad.
    """

    READS: ClassVar = ("logits", "labels")
    WRITES: ClassVar = ("error", "bias_grad")

    classes: int
    temperature: float = 1.0
    logits: str
    labels: str
    error: str
    bias_grad: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetProject(Op):
    """DRTP's error: minus the feedback's row of each sample's label; a selection, no product.

    Reads: labels, feedback. Writes: error.
    """

    READS: ClassVar = ("labels", "feedback")
    WRITES: ClassVar = ("error",)

    shape: WeightedLayer
    labels: str
    feedback: str
    error: str
