"""What every op says it did, against its kernels run line by line on integers that count.

Where the chip does otherwise than the lines, the reason stands here, with its number: nothing else may differ.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lls_hw.models.program.names import IMAGES, LABELS
from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.group_norm import GroupNorm, GroupNormBackward, GroupNormSums, GroupStatistics
from lls_hw.models.program.ops.local import LocalBackproject, LocalError, LocalProject
from lls_hw.models.program.ops.loss import Loss, TargetProject
from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward, FrozenNormBackward, NormBackward
from lls_hw.models.program.ops.products import Gemm
from lls_hw.models.program.ops.update import Update
from lls_hw.sim.cost.counts import FIELDS
from lls_hw.sim.functional import local
from lls_hw.sim.functional.engine import RUNNERS
from lls_hw.sim.functional.machine import IntegerMachine
from lls_hw.sim.functional.readback import Value
from tests.oracles.counting import LEDGER, tally, unfolded
from tests.unit.functional import counted, small

VARIANTS = {
    "cosine": {"constants": {"waveform": "cosine"}},
    "sgd": {"optimizer": "sgd"},
    "frozen": {"net": small.network().with_norm("frozen")},
    "group": {"net": small.grouped()},
}
CLASS_OF = {field: event for fields in FIELDS.values() for event, field in fields.items()}
Reasons = Iterator[tuple[str, Counter]]


def update(m: IntegerMachine, op: Update, known: bool) -> Reasons:
    n, runs = op.elements, 1 if known else 2
    yield "the aligner of the gradient saturates by itself", tally(compares=-2 * n * runs)
    if not known:
        yield "the step's peak was seen in the pass that measured it", tally(peaks=-n)
    if op.momentum is None:
        yield "a gradient without momentum passes as it is", tally(macs=-n * runs, shifts=-n * runs)


def gemm(m: IntegerMachine, op: Gemm, known: bool) -> Reasons:
    if op.bias is not None:
        yield (
            "sums start from the bias, which the chip adds at their end",
            tally(adds=m.program.tensors[op.out].elements),
        )


def batch_norm(m: IntegerMachine, op: BatchNorm, known: bool) -> Reasons:
    c = op.shape.out_c
    yield "both kernels make the offsets, the chip once", tally(macs=-c, shifts=-c, multiplies=-c)
    yield "the offset of xhat is the backward pass's", tally(multiplies=-c)
    yield "the sign in front of a count of leading zeros", tally(compares=-c)
    if not op.trains:
        yield from running_norm(m, op, known)
        return
    yield "epsilon at the scale of y is a constant of the op", tally(multiplies=-1, compares=-1, shifts=-1)
    yield "n - 1 is a constant of the op", tally(compares=-c, adds=-c)
    yield "aligners that did not move: the variance beside epsilon, the scale beside beta", tally(shifts=2 * c)


def running_norm(m: IntegerMachine, op: BatchNorm, known: bool) -> Reasons:
    c, n = op.shape.out_c, m.program.tensors[op.out].elements
    yield "epsilon at the scale of the variance is a constant of the op", tally(shifts=-1)
    yield "what the clamp of the mean held, for people", tally(compares=-2 * c)
    yield "the aligner of the scale beside beta did not move", tally(shifts=c)
    yield "running statistics need no sums", tally(macs=-n, adds=-n)
    if known:
        yield "the detector, which the kernel replaces by the ends of y", tally(compares=-2 * n, peaks=n)
        ends = {"macs": -2 * c, "shifts": -4 * c, "peaks": -2 * c, "multiplies": -2 * c, "compares": -2 * c}
        yield "and the map of these ends", tally(**ends)


def batch_norm_backward(m: IntegerMachine, op: BatchNormBackward, known: bool) -> Reasons:
    c, n, narrows = op.shape.out_c, m.program.tensors[op.out].elements, 1 if known else 2
    times = -narrows * c
    yield "every kernel makes the offsets, the chip once", tally(macs=times, shifts=times, multiplies=times)
    ends = tally(compares=-2 * n * narrows, **dict.fromkeys(("peaks", "shifts", "adds"), -2 * c * narrows))
    yield "the kernel keeps a channel's ends, where the detector sees each word", ends
    yield "the detector", tally(peaks=n)
    yield from spread(m, op, 1 + narrows)


def frozen_norm_backward(m: IntegerMachine, op: FrozenNormBackward, known: bool) -> Reasons:
    c, n, narrows = op.shape.out_c, m.program.tensors[op.out].elements, 1 if known else 2
    yield "the offset of xhat is not needed", tally(multiplies=-c * (narrows))
    yield (
        "every kernel makes the other offset, the chip once",
        tally(macs=-c * (narrows - 1), shifts=-c * (narrows - 1)),
    )
    yield "the sign in front of a count of leading zeros", tally(compares=-c)
    yield "epsilon at the scale of the variance is a constant of the op", tally(shifts=-1)
    yield "what the clamp of the mean held, for people", tally(compares=-2 * c)
    yield "the aligner of the scale beside beta did not move", tally(shifts=c)
    ends = tally(compares=-2 * n * narrows, **dict.fromkeys(("peaks", "shifts", "adds"), -2 * c * narrows))
    yield "the kernel keeps a channel's ends, where the detector sees each word", ends
    yield "the detector", tally(peaks=n)
    yield from spread(m, op, narrows)


def group_statistics(m: IntegerMachine, op: GroupStatistics, known: bool) -> Reasons:
    n = op.batch * op.shape.norm_groups
    yield "no ends are wanted", tally(compares=-2 * m.program.tensors[op.y].elements)
    yield (
        "epsilon at the scale of y is a constant of the op",
        tally(multiplies=-op.batch, compares=-op.batch, shifts=-op.batch),
    )
    yield "the aligner of the variance beside epsilon did not move", tally(shifts=n)


def group_words(op: GroupNorm | GroupNormSums | GroupNormBackward, passes: int) -> Reasons:
    w = op.batch * op.shape.out_c
    yield "channels' words are made once for all passes", tally(multiplies=w * (passes - 1), shifts=w * (passes - 1))
    yield "the aligner of the scale beside beta did not move", tally(shifts=w * passes)
    yield "the sign in front of a count of leading zeros", tally(compares=-w)
    yield "gamma is cut by a constant", tally(shifts=-op.shape.out_c)


def group_norm(m: IntegerMachine, op: GroupNorm, known: bool) -> Reasons:
    w, n = op.batch * op.shape.out_c, m.program.tensors[op.out].elements
    yield from group_words(op, 1 if known else 2)
    yield "the offset of xhat is the backward pass's", tally(multiplies=-2 * w)
    if not known:
        yield "ends are found in NumPy", tally(compares=2 * n)
        return
    yield "the detector, which the kernel replaces by the ends of y", tally(peaks=n)
    ends = {"macs": -2 * w, "shifts": -4 * w, "peaks": -2 * w, "multiplies": -2 * w, "compares": -2 * w}
    yield "and the map of these ends", tally(**ends)
    yield "both kernels make the offset, the chip once", tally(macs=-w, shifts=-w)


def group_norm_sums(m: IntegerMachine, op: GroupNormSums, known: bool) -> Reasons:
    yield from group_words(op, 1)
    yield "samples are added up in NumPy", tally(adds=2 * op.batch * op.shape.out_c)
    yield from spread(m, op, 1)


def group_norm_backward(m: IntegerMachine, op: GroupNormBackward, known: bool) -> Reasons:
    w, n, narrows = op.batch * op.shape.out_c, m.program.tensors[op.out].elements, 1 if known else 2
    yield from group_words(op, narrows)
    ends = tally(compares=-2 * n * narrows, **dict.fromkeys(("peaks", "shifts", "adds"), -2 * w * narrows))
    yield "the kernel keeps a channel's ends, where the detector sees each word", ends
    yield "the detector", tally(peaks=n)
    yield from spread(m, op, narrows)


def spread(m: IntegerMachine, op: NormBackward, passes: int) -> Reasons:
    c, n = op.shape.out_c, m.program.tensors[op.y].elements
    if op.spread is None:
        return
    alike = 1 if op.spread.channels is not None else c
    looked = sum(op.spread.areas) * alike * op.batch
    yield ("pooled gradients are spread by addressing, in each pass anew", tally(adds=-looked + (looked - n) * passes))
    if op.means:
        shared = m.program.tensors[op.error].elements * passes
        yield "and shared out there, in NumPy here", tally(multiplies=shared, shifts=shared)


def local_project(m: IntegerMachine, op: LocalProject, known: bool) -> Reasons:
    terms, z = op.batch * op.rows * op.latents, op.batch * op.latents
    if op.projection is None:
        yield "a product with a sign is an addition", tally(macs=-terms, adds=terms)
    if op.norm is None:
        yield "squares are of no use without a norm", tally(macs=-z)
    if not op.grid.is_uniform:
        yield "latents are weighed in NumPy", tally(multiplies=z)


def softmax(batch: int, classes: int) -> Reasons:
    each = batch * classes
    yield "the table's entry, read once and used twice", tally(table_reads=-each)
    yield "the next entry is the second port's", tally(adds=-each)
    yield "the largest shift is the shifter's", tally(compares=-each)
    yield "the sum times the batch is the same for every class", tally(multiplies=batch - each)
    yield "the likelihood is for people", tally(divides=-batch)


def local_error(m: IntegerMachine, op: LocalError, known: bool) -> Reasons:
    rows, classes = op.batch * op.rows, op.batch * op.classes
    yield from softmax(op.batch, op.classes)
    if op.modulation is None:
        yield "nothing drops before the product with 1 / T", tally(shifts=-rows)
    if op.alignment is None:
        yield "no normalisation wants the alignment", tally(macs=-classes)
    if op.norm is None:
        yield "the root of one", tally(divides=-2 * op.batch, shifts=-op.batch)
        yield "the product with one", tally(multiplies=-rows, shifts=-rows)
        yield "a window's share, in NumPy", tally(multiplies=rows)


def local_backproject(m: IntegerMachine, op: LocalBackproject, known: bool) -> Reasons:
    terms, z = op.batch * op.rows * op.latents, op.batch * op.latents
    grid = local.project_of(m, op.layer).grid
    if op.projection is None:
        yield "a product with a sign is an addition", tally(macs=-terms, adds=terms)
    if op.norm is None:
        yield "the root of one", tally(divides=-2 * op.batch, shifts=-op.batch)
        yield "the scale of int64 words", tally(divides=-2, shifts=-1)
        yield "no latent pulls", tally(multiplies=-2 * z, shifts=-z, adds=-z)
        yield "nor is there an alignment", tally(shifts=-op.batch)
        yield "the product with one, and a fixed shift", tally(multiplies=-z, shifts=-z)
    else:
        yield "the scale of int64 words", tally(divides=-2 * op.batch, shifts=-op.batch)
        if grid.is_uniform:
            yield "windows of one size weigh one", tally(multiplies=-z, shifts=-z)
    if op.norm is None or op.projection is None:
        yield "a sign has no fraction bits to leave", tally(shifts=-z)


def loss(m: IntegerMachine, op: Loss, known: bool) -> Reasons:
    each = op.batch * op.classes
    yield from softmax(op.batch, op.classes)
    yield "logits and errors by 1 / T, and the bias, in NumPy", tally(multiplies=2 * each + op.classes, adds=each)


def target_project(m: IntegerMachine, op: TargetProject, known: bool) -> Reasons:
    yield "signs are turned in NumPy", tally(adds=m.program.tensors[op.error].elements)


REASONS: dict[type[Op], Callable[[IntegerMachine, Any, bool], Reasons]] = {
    Update: update,
    Gemm: gemm,
    BatchNorm: batch_norm,
    BatchNormBackward: batch_norm_backward,
    FrozenNormBackward: frozen_norm_backward,
    GroupStatistics: group_statistics,
    GroupNorm: group_norm,
    GroupNormSums: group_norm_sums,
    GroupNormBackward: group_norm_backward,
    LocalProject: local_project,
    LocalError: local_error,
    LocalBackproject: local_backproject,
    Loss: loss,
    TargetProject: target_project,
}
"""Kinds of ops whose lines differ from the chip; every other kind does exactly what its lines do."""


def said(m: IntegerMachine) -> Counter:
    """The classes of the running op's record, both units alike; products of the array and phases apart."""
    found: Counter = Counter()
    for field, number in m.record.events.items():
        if field in CLASS_OF and field not in ("vector_macs", "phase_steps"):
            found[CLASS_OF[field]] += number
    return unfolded(found)


def prepare(m: IntegerMachine, step: int) -> None:
    """A batch, and the signs of every basis, which the engine makes once."""
    images, labels = small.images(m.program.precision.activation_bits, seed=step)
    m.records = []
    m.values[IMAGES] = Value(images.codes.astype(np.int8), images.frac)
    m.values[LABELS] = Value(np.asarray(labels).astype(np.int16), 0)
    for op in m.program.ops:
        if isinstance(op, LocalProject) and op.projection is None:
            local._basis(m, op.rows, op.latents)


@pytest.mark.parametrize(
    "rule",
    [
        *small.RULES,
        "lls cosine",
        "bp sgd",
        *(f"{rule} {norm}" for norm in ("frozen", "group") for rule in ("bp", "lls_m", "local_losses", "inference")),
    ],
)
def test_ops__say_what_their_lines_do(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step, which measures, and the second, which does not."""
    name, _, variant = rule.partition(" ")
    m = small.engine(name, **VARIANTS.get(variant, {})).machine
    for step in range(2):
        prepare(m, step)
        for index, op in enumerate(m.program.ops):
            m.begin(index, op)
            scale = op.momentum or f"{op.parameter}@momentum" if isinstance(op, Update) else op.writes[0]
            known = m.scales.known(scale)
            with monkeypatch.context() as patches:
                counted.patch(patches)
                LEDGER.clear()
                RUNNERS[type(op)](m, op)
                did = Counter(LEDGER)
            reasons = list(REASONS.get(type(op), lambda m, op, known: ())(m, op, known))
            for _, change in reasons:
                did.update(change)
            assert unfolded(did) == said(m), f"step {step}, {op.kind} of {op.layer}"
        m.step += 1
