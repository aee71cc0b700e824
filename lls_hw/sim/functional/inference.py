"""A trained chip answers: the inference program in integers, BatchNorm folded to running statistics.

Scales: each map takes the scale of its own maximum in the batch (`two_pass`), whatever policy
training used: a test has no step before it to learn a delayed scale from. A `static` precision
keeps the scales of training. Images of one batch therefore share their scales, so that an answer
may depend on the batch by a rounding; tests are run with one fixed batch size.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from lls_hw.models.data.images import Labels, Pictures, normalise
from lls_hw.models.program.lower import lower
from lls_hw.models.program.names import IMAGES
from lls_hw.models.program.program import Program
from lls_hw.models.rules.backprop import INFERENCE
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.rule import RuleSpec
from lls_hw.sim.functional.engine import RUNNERS
from lls_hw.sim.functional.machine import IntegerMachine, Scales
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.functional.state import input_codes
from lls_hw.sim.kernels.codes import Wide
from lls_hw.sim.kernels.requant import container

TEST_BATCH = 250


class Inference:
    """The forward pass of one trained network on one chip, in integers.

    Parameters
    ----------
    values : trained tensors by name (`IntegerMachine.values`): compute copies, biases, gamma, beta, running.
    fixed : scales of a `static` precision, as training chose them.
    """

    def __init__(
        self,
        network: NetworkSpec,
        precision: Precision,
        chip: AcceleratorSpec,
        values: Mapping[str, Value],
        *,
        fixed: Mapping[str, int] | None = None,
    ) -> None:
        self.network, self.precision, self.chip, self.fixed = network, precision, chip, dict(fixed or {})
        self.values = values
        self.saturated = self.overflows = self.guarded = 0

    def logits(self, images: Value) -> Value:
        """Codes (batch, classes) for activation codes (batch, height, width, channels)."""
        program = inference_program(self.network, self.precision, len(images.codes))
        kept = {name: self.values[name] for name, tensor in program.tensors.items() if tensor.kept}
        m = IntegerMachine(program, kept, chip=self.chip, seed=0)
        m.scales = Scales("static" if self.precision.scaling == "static" else "two_pass", fixed=self.fixed)
        m.values[IMAGES] = Value(images.codes.astype(container(self.precision.activation_bits)), images.frac)
        for index, op in enumerate(program.ops):
            m.begin(index, op)
            RUNNERS[type(op)](m, op)
        self.saturated += sum(record.saturated for record in m.records)
        self.overflows += sum(record.tally.overflows for record in m.records)
        self.guarded += sum(record.tally.guarded for record in m.records)
        found = m.values[program.output]
        return Value(found.codes.reshape(len(images.codes), self.network.classes), found.frac)

    def answers(self, images: Value) -> Wide:
        """The class of each image: its largest logit, the first of equal ones."""
        found: Wide = np.argmax(self.logits(images).codes, axis=1)
        return found


@cache
def inference_program(network: NetworkSpec, precision: Precision, batch: int) -> Program:
    """The forward ops for a batch; a last batch that is smaller has a program of its own."""
    return lower(network, RuleSpec(name=INFERENCE.name), precision, batch=batch)


def accuracy(
    inference: Inference,
    pictures: Pictures,
    labels: Labels,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    batch: int = TEST_BATCH,
    between: Callable[[int], None] = lambda _: None,
) -> float:
    """Share of pictures classified correctly, in percent.

    `between` is called with the number of pictures done after every batch, and may raise to stop.
    """
    right = 0
    for first in range(0, len(labels), batch):
        part = slice(first, min(first + batch, len(labels)))
        x = input_codes(normalise(pictures[part], mean, std), inference.precision.activation_bits)
        right += int((inference.answers(x) == labels[part]).sum())
        between(part.stop)
    return 100.0 * right / max(1, len(labels))
