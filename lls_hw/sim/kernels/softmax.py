"""The softmax error of logits in integers, and the loss of a linear classifier."""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import HALF_UP, clamp, divide_round, shift_round

LOGIT_FRAC = 16
ERROR_FRAC = 24
TABLE_BITS = 8
TABLE_FRAC = 16
LOG2E_CODE, LOG2E_FRAC = 1549082005, 30
LOGIT_MAX = (1 << 31) - 1


@kernel
def softmax_error(
    logits: Ints, label: Int, batch: Int, on_code: Int, off_code: Int, table: Ints, error: Ints, weights: Wide
) -> Int:
    """error[j] = (softmax(logits)[j] - target[j]) / batch with ERROR_FRAC bits; returns softmax[label].

    2**-d by a table of 2**8 + 1 entries on the first eight fraction bits of d and a straight line
    between them. `on_code` and `off_code` are the (smoothed) target over the batch.
    """
    top = np.int64(logits[0])
    for j in range(logits.size):
        top = max(top, np.int64(logits[j]))
    total = np.int64(0)
    for j in range(logits.size):
        below = shift_round((top - np.int64(logits[j])) * LOG2E_CODE, np.int64(LOG2E_FRAC), HALF_UP, np.int64(0))
        whole, rest = below >> LOGIT_FRAC, below & ((1 << LOGIT_FRAC) - 1)
        index, between = rest >> (LOGIT_FRAC - TABLE_BITS), rest & ((1 << (LOGIT_FRAC - TABLE_BITS)) - 1)
        drop = (np.int64(table[index]) - np.int64(table[index + 1])) * between
        value = np.int64(table[index]) - (drop >> (LOGIT_FRAC - TABLE_BITS))
        weights[j] = value >> min(whole, np.int64(62))
        total += weights[j]
    for j in range(logits.size):
        target = on_code if j == label else off_code
        error[j] = divide_round(weights[j] << ERROR_FRAC, total * batch) - target
    return divide_round(weights[label] << ERROR_FRAC, total)


CLASS: Events = {"compares": 1, "multiplies": 2, "table_reads": 2, "shifts": 1, "adds": 5, "divides": 1}
"""`softmax_error`, a class: the largest logit; how far below it, in octaves; the table's line; the sum; its share, less
the target. The likelihood is for people to read."""
SAMPLE: Events = {"multiplies": 1}
"""A sample: the sum times the batch."""


@kernel
def loss_samples(
    logits: Ints,
    shift: Int,
    labels: Ints,
    batch: Int,
    on_code: Int,
    off_code: Int,
    table: Ints,
    errors: Wide,
    likelihood: Wide,
) -> int:
    """A classifier's error (samples, classes) with ERROR_FRAC bits; logits shifted to LOGIT_FRAC.

    The loss is a mean over `batch` samples. Returns how many logits were clamped.
    """
    samples, classes = logits.shape
    scaled = np.empty(classes, np.int64)
    weights = np.empty(classes, np.int64)
    clamped = 0
    for i in range(samples):
        for j in range(classes):
            value = shift_round(np.int64(logits[i, j]), shift, HALF_UP, np.int64(0))
            scaled[j] = clamp(value, np.int64(-LOGIT_MAX), np.int64(LOGIT_MAX))
            clamped += 1 if scaled[j] != value else 0
        likelihood[i] = softmax_error(scaled, labels[i], batch, on_code, off_code, table, errors[i], weights)
    return clamped


LOGIT: Events = {"shifts": 1, "compares": 2}
"""`loss_samples`, a class, beside the softmax: the logit at its scale, clamped."""
