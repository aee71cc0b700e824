"""Errors that start a backward pass in integers: a classifier's cross-entropy, and a target's projection."""

from fractions import Fraction

import numpy as np

from lls_hw.models.program.ops.loss import Loss, TargetProject
from lls_hw.sim.functional.machine import IntegerMachine, Peak, Runners, fitting_frac
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels import softmax
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import Events, plus
from lls_hw.sim.kernels.tables import exp2_table, mantissa

BY_TEMPERATURE: Events = {"multiplies": 1}
SUMMED: Events = {"adds": 1}
NEGATED: Events = {"adds": 1}
"""A word times 1 / T; an error that joins the bias' sum; a feedback code with its sign turned."""


def targets(classes: int, batch: int, smoothing: float) -> tuple[int, int]:
    """(target of the label, of every other class) over the batch, with ERROR_FRAC bits.

    Examples
    --------
    >>> targets(10, 4, 0.0)
    (4194304, 0)
    """
    share = Fraction(str(smoothing))
    one = Fraction(1 << softmax.ERROR_FRAC, batch)
    off = int(one * share / classes + Fraction(1, 2))
    on = int(one * (1 - share + share / classes) + Fraction(1, 2))
    return on, off


def reciprocal(temperature: float) -> tuple[int, int]:
    """1 / T as (code, fraction bits)."""
    return mantissa(1 / Fraction(str(temperature)))


def run_loss(m: IntegerMachine, op: Loss) -> None:
    """The classifier's softmax error at error width, and the sum over the batch for its bias."""
    errors, error_frac = loss_errors(m, op)
    m.did(BY_TEMPERATURE, op.classes)
    m.narrow_to_fit(op.bias_grad, errors.sum(axis=0) * reciprocal(op.temperature)[0], error_frac)


def loss_errors(m: IntegerMachine, op: Loss) -> tuple[Wide, int]:
    """Errors (samples, classes) of the samples at hand, without 1 / T, and the fraction bits that they have with it.

    Their codes are written.
    """
    logits, labels = m.read(op.logits), m.read(op.labels)
    samples = labels.codes.size
    errors = np.empty((samples, op.classes), np.int64)
    likelihood = np.empty(samples, np.int64)
    on, off = targets(op.classes, op.batch, m.program.rule.label_smoothing)
    inv_t, inv_t_frac = reciprocal(op.temperature)
    scaled = logits.codes.reshape(samples, op.classes).astype(np.int64) * inv_t
    clamped = softmax.loss_samples(
        scaled,
        logits.frac + inv_t_frac - softmax.LOGIT_FRAC,
        labels.codes,
        op.batch,
        on,
        off,
        exp2_table(),
        errors,
        likelihood,
    )
    m.record.saturated += int(clamped)
    m.record.likelihood = likelihood
    m.did(plus(BY_TEMPERATURE, softmax.LOGIT, softmax.CLASS, BY_TEMPERATURE, SUMMED), errors.size)
    m.did(softmax.SAMPLE, samples)
    error_frac = softmax.ERROR_FRAC + inv_t_frac
    m.narrow(op.error, errors * inv_t, error_frac)
    return errors, error_frac


def run_target_project(m: IntegerMachine, op: TargetProject) -> None:
    """Minus the feedback's row of each sample's label, rounded as errors are; the least code turns exactly.

    The feedback never changes, and so its peak, whatever the policy, is a constant that no error passes.
    """
    labels, feedback = m.read(op.labels), m.read(op.feedback)
    target_errors(m, op, feedback, labels.codes)


def target_errors(m: IntegerMachine, op: TargetProject, feedback: Value, labels: Ints) -> None:
    """Errors of the samples whose labels are at hand, by the part of the feedback that is."""
    bits = m.program.tensors[op.error].bits
    frac = min(feedback.frac, fitting_frac(Peak(m.largest(op.feedback), feedback.frac), bits))
    turned = -feedback.codes[labels].astype(np.int32)
    m.did(NEGATED, turned.size)
    m.write(op.error, m.requantise(turned, feedback.frac - frac, bits, m.narrowing(op.error)), frac)


RUNNERS: Runners = {Loss: run_loss, TargetProject: run_target_project}
