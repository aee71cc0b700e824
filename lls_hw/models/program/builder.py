"""Words of the lowering: declares tensors, appends ops, and knows the width of every role."""

from typing import Any

from lls_hw.models.program.names import (
    IMAGES,
    LABELS,
    gradient_of,
    master_of,
    mean_gradient_of,
    momentum_of,
    new_gradient_of,
    second_moment_of,
    tensor_name,
)
from lls_hw.models.program.ops.accumulate import Accumulate
from lls_hw.models.program.ops.base import Op, Operand, Role, Stage, Tensor
from lls_hw.models.program.ops.group_norm import GroupNorm, GroupStatistics
from lls_hw.models.program.ops.normalise import BatchNorm
from lls_hw.models.program.ops.pooling import Pool
from lls_hw.models.program.ops.products import DepthwiseConv, Gemm
from lls_hw.models.program.ops.update import Update
from lls_hw.models.program.program import MicroStep, Program
from lls_hw.models.spec.geometry import Layer, PoolLayer, WeightedLayer
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec

STATISTIC_BITS = 32
PULL_BITS = 64
LABEL_BITS = 16
SECOND_MOMENT_BITS = 32
"""Of squares: their roots have as many bits as 16-bit codes."""


def word_bits(bits: int) -> int:
    """Narrowest register of the vector and local units that holds `bits`: 8, 16, 32 or 64."""
    return next(word for word in (8, 16, 32, 64) if bits <= word)


class Builder:
    """Collects tensors and ops of one program in order."""

    def __init__(
        self,
        network: NetworkSpec,
        rule: RuleSpec,
        precision: Precision,
        optimizer: OptimizerSpec,
        batch: int,
        *,
        micro_step: MicroStep = "only",
        accumulate: int = 1,
    ) -> None:
        self.network, self.rule, self.precision, self.optimizer = network, rule, precision, optimizer
        self.batch, self.micro_step, self.micro_steps = batch, micro_step, accumulate
        self.tensors: dict[str, Tensor] = {}
        self.ops: list[Op] = []

    def tensor(self, name: str, shape: tuple[int, ...], bits: int, role: Role, *, kept: bool = False) -> str:
        """Declare a tensor once; returns its name."""
        made = Tensor(name=name, shape=shape, bits=bits, role=role, kept=kept)
        if self.tensors.setdefault(name, made) != made:
            raise AssertionError(f"tensor {name!r} declared twice: {self.tensors[name]} and {made}")
        return name

    def add(self, op: Op) -> None:
        """Append an op."""
        self.ops.append(op)

    def program(self) -> Program:
        """The finished program: some ops, over declared tensors."""
        assert self.ops, "no op was appended"
        for op in self.ops:
            for name in (*op.reads, *op.writes):
                assert name in self.tensors, f"{op.layer}: {op.kind} names tensor '{name}', which is not declared"
        return Program(
            network=self.network,
            rule=self.rule,
            precision=self.precision,
            optimizer=self.optimizer,
            batch=self.batch,
            ops=tuple(self.ops),
            tensors=dict(self.tensors),
        )

    # -- tensors of a layer -------------------------------------------------------------

    def images(self) -> str:
        """The batch's images, (batch, height, width, channels)."""
        c, h, w = self.network.input
        return self.tensor(IMAGES, (self.batch, h, w, c), self.precision.activation_bits, "input")

    def labels(self) -> str:
        """The batch's class numbers."""
        return self.tensor(LABELS, (self.batch,), LABEL_BITS, "label")

    def weight(self, layer: WeightedLayer) -> str:
        """Compute copy of a layer's weights."""
        name = tensor_name(layer.name, "weight")
        return self.tensor(name, layer.weight_shape, self.precision.weight_bits, "weight", kept=True)

    def parameter(self, layer: str, which: str, shape: tuple[int, ...]) -> str:
        """A small parameter the vector unit reads at master width (bias, gamma, beta, modulation)."""
        return self.tensor(tensor_name(layer, which), shape, self.precision.master_bits, "parameter", kept=True)

    def map(self, layer: Layer, which: str, bits: int, role: Role) -> str:
        """A map at a layer's output, (batch, height, width, channels)."""
        channels = layer.channels if isinstance(layer, PoolLayer) else layer.out_c
        shape = (self.batch, layer.out_h, layer.out_w, channels)
        return self.tensor(tensor_name(layer.name, which), shape, bits, role)

    def activation(self, layer: Layer) -> str:
        """A layer's output."""
        return self.map(layer, "h", self.precision.activation_bits, "activation")

    def preactivation(self, layer: WeightedLayer) -> str:
        """A layer's map in front of its BatchNorm."""
        return self.map(layer, "y", self.precision.preactivation_bits, "activation")

    def statistics(self, layer: WeightedLayer) -> str:
        """Six rows that a BatchNorm keeps of the batch for its backward pass; or three words a sample and group."""
        shape = (self.batch, layer.norm_groups, 3) if layer.is_group_normed else (6, layer.out_c)
        return self.tensor(tensor_name(layer.name, "stats"), shape, STATISTIC_BITS, "statistic")

    def pulls(self, layer: WeightedLayer) -> str:
        """Two means of a sample and group that take part in every gradient of it."""
        shape = (self.batch, layer.norm_groups, 2)
        return self.tensor(tensor_name(layer.name, "pulls"), shape, PULL_BITS, "statistic")

    def running(self, layer: WeightedLayer) -> str:
        """Running mean and variance of a layer; constants where its norm is frozen."""
        name = tensor_name(layer.name, "running")
        return self.tensor(name, (2, layer.out_c), STATISTIC_BITS, "statistic", kept=True)

    def delta_h(self, layer: Layer) -> str:
        """Gradient at a layer's output."""
        return self.map(layer, "delta_h", self.precision.error_bits, "error")

    def logits(self, layer: WeightedLayer) -> str:
        """A classifier's output, at 16 bits at least: its softmax feeds the error."""
        return self.map(layer, "logits", max(self.precision.activation_bits, 16), "activation")

    def delta_y(self, layer: WeightedLayer) -> str:
        """Gradient in front of a layer's BatchNorm."""
        return self.map(layer, "delta_y", self.precision.error_bits, "error")

    # -- ops every rule shares ----------------------------------------------------------

    def forward(self, layer: Layer, source: str, *, training: bool = True) -> str:
        """Ops of one layer's forward pass; returns the name of its output.

        In training BatchNorm takes the batch's statistics and moves the running ones; else, or frozen, it uses those.
        A group norm takes each sample's own, always.
        """
        if isinstance(layer, PoolLayer):
            out = self.activation(layer)
            self.add(Pool(layer=layer.name, stage="forward", batch=self.batch, source=source, out=out, pool=layer))
            return out
        bias = self.parameter(layer.name, "bias", (layer.out_c,)) if layer.bias else None
        y = self.preactivation(layer) if layer.batch_norm else self.logits(layer)
        self.product(layer, "forward", source=source, weight=self.weight(layer), bias=bias, out=y)
        return self._normalise(layer, y, training=training) if layer.batch_norm else y

    def _normalise(self, layer: WeightedLayer, y: str, *, training: bool) -> str:
        out, channels = self.activation(layer), (layer.out_c,)
        gamma, beta = (self.parameter(layer.name, which, channels) for which in ("gamma", "beta"))
        if layer.is_group_normed:
            at: dict[str, Any] = {"layer": layer.name, "stage": "forward", "batch": self.batch, "shape": layer, "y": y}
            stats = self.statistics(layer)
            self.add(GroupStatistics(**at, stats=stats))
            self.add(GroupNorm(**at, stats=stats, gamma=gamma, beta=beta, out=out))
            return out
        running = self.running(layer)
        of_batch = training and not layer.is_frozen
        self.add(
            BatchNorm(
                layer=layer.name,
                stage="forward",
                batch=self.batch,
                shape=layer,
                y=y,
                gamma=gamma,
                beta=beta,
                running=running,
                out=out,
                stats=self.statistics(layer) if of_batch else None,
                moved=running if of_batch else None,
            )
        )
        return out

    def product(
        self,
        layer: WeightedLayer,
        stage: Stage,
        *,
        source: Operand = None,
        error: Operand = None,
        weight: Operand = None,
        bias: Operand = None,
        out: str,
    ) -> None:
        """A GEMM, or a depthwise convolution, in the direction that its operands give."""
        make = DepthwiseConv if layer.kind == "depthwise" else Gemm
        self.add(
            make(
                layer=layer.name,
                stage=stage,
                batch=self.batch,
                shape=layer,
                source=source,
                error=error,
                weight=weight,
                bias=bias,
                out=out,
            )
        )

    def weight_gradient(self, layer: WeightedLayer, source: str, error: str) -> None:
        """dW from the layer's input and the error in front of its BatchNorm, then its update."""
        grad = self.gradient(layer.name, "weight", layer.weight_shape)
        self.product(layer, "weight_grad", source=source, error=error, out=grad)

    def gradient(self, layer: str, which: str, shape: tuple[int, ...]) -> str:
        """The gradient of a parameter, at the accumulator's width; that of a first micro-step waits for the others."""
        name = tensor_name(layer, which)
        joins = self.micro_step in ("middle", "last")
        own = new_gradient_of(name) if joins else gradient_of(name)
        return self._gradient(own, shape, kept=self.micro_step == "first")

    def _gradient(self, name: str, shape: tuple[int, ...], *, kept: bool) -> str:
        return self.tensor(name, shape, self.precision.accumulator_bits, "gradient", kept=kept)

    def update(self, layer: str, which: str, shape: tuple[int, ...]) -> None:
        """One parameter's update from its gradient, or, in a micro-step, what becomes of that gradient."""
        name = tensor_name(layer, which)
        if self.micro_step in ("middle", "last"):
            self._accumulate(layer, name, shape)
        if self.micro_step in ("only", "last"):
            self._update(layer, which, shape)

    def _accumulate(self, layer: str, name: str, shape: tuple[int, ...]) -> None:
        """The gradient joins the kept sum; the last one's mean is at hand for the update and is not kept."""
        total, last = self._gradient(gradient_of(name), shape, kept=True), self.micro_step == "last"
        self.add(
            Accumulate(
                layer=layer,
                stage="accumulate",
                batch=self.batch,
                parameter=name,
                elements=self.tensors[total].elements,
                share=self.micro_steps if last else 1,
                gradient=new_gradient_of(name),
                total=total,
                out=self._gradient(mean_gradient_of(name), shape, kept=False) if last else total,
            )
        )

    def _update(self, layer: str, which: str, shape: tuple[int, ...]) -> None:
        name = tensor_name(layer, which)
        has_copy = which == "weight"
        master = self.tensor(
            master_of(name) if has_copy else name,
            shape,
            self.precision.master_bits,
            "master" if has_copy else "parameter",
            kept=True,
        )
        momentum = second = None
        if self.optimizer.uses_momentum or self.optimizer.adapts:
            momentum = self.tensor(momentum_of(name), shape, self.precision.master_bits, "momentum", kept=True)
        if self.optimizer.adapts:
            second = self.tensor(second_moment_of(name), shape, SECOND_MOMENT_BITS, "momentum", kept=True)
        self.add(
            Update(
                layer=layer,
                stage="update",
                batch=self.batch,
                parameter=name,
                elements=self.tensors[name].elements,
                gradient=gradient_of(name) if self.micro_step == "only" else mean_gradient_of(name),
                momentum=momentum,
                second=second,
                master=master,
                copy=name if has_copy else None,
            )
        )

    def update_layer(self, layer: WeightedLayer) -> None:
        """Weight, then gamma and beta (or the classifier's bias).

        A bias in front of a BatchNorm has no update: its gradient is exactly zero; in front of a frozen one beta learns
        in its place, and gamma is a constant.
        """
        self.update(layer.name, "weight", layer.weight_shape)
        named = ("gamma", "beta") if layer.batch_norm else ("bias",)
        for which in (which for which in named if which not in layer.constants):
            self.update(layer.name, which, (layer.out_c,))
