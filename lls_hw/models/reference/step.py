"""One training step in real numbers with every tensor on record: what fixed point is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lls_hw.models.program.names import split_name, tensor_name
from lls_hw.models.reference.build import build_reference, image_tensor, label_tensor, to_arrays, torch_dtype
from lls_hw.models.reference.layout import map_to_program, to_torch
from lls_hw.models.reference.network import Reference, Tape
from lls_hw.models.reference.optimizers import momentum_step
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.rules.rule import Array
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import PoolLayer, WeightedLayer
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec

_GRADIENT_OF = {"y": "delta_y", "h": "delta_h", "latent": "latent_grad", "signal_logits": "error", "logits": "error"}
"""Name of the gradient of each tensor on the tape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """Everything one step computes, in program layout; L is a layer's name, N the batch.

    Attributes
    ----------
    tensors : maps are (N, h, w, c), of a linear layer (N, 1, 1, out).
        ``L/y`` before BatchNorm; ``L/h`` after BatchNorm and LeakyReLU; ``poolK/h``;
        ``L/latent`` (N, n) pooled means z in (channel, row, column) order;
        ``L/signal_logits`` (N, classes), divided by the temperature; ``classifier/logits``;
        ``L/error``, ``classifier/error`` = dLoss/dlogits; ``L/latent_grad`` (N, n) = dLoss/dz over the
        window's area, what each position of the window receives; ``L/delta_h``, ``L/delta_y`` = dLoss/dh,
        dLoss/dy; ``L/P_grad`` for each trained parameter P, shaped as P.
        Losses are means over the batch. Under DFA and DRTP delta_h is the injected signal.
    losses : local loss by block name (the depthwise layer's own, if it has one, by the layer's name),
        and ``classifier``.
    parameters : all of them after the update.
    momenta : of the trained ones; empty without momentum.
    """

    tensors: dict[str, Array]
    losses: dict[str, float]
    parameters: dict[str, Array]
    momenta: dict[str, Array]


def training_step(  # noqa: PLR0917
    network: NetworkSpec,
    rule: RuleSpec,
    optimizer: OptimizerSpec,
    parameters: Mapping[str, Array],
    momenta: Mapping[str, Array],
    images: Array,
    labels: Array,
    *,
    dtype: str = "float32",
    bases: Mapping[str, Array] | None = None,
) -> StepRecord:
    """Forward, learning signal, gradients and update of one batch.

    Parameters
    ----------
    optimizer : sgd or momentum: v <- mu v + g, w <- w - lr v; or adam's first step.
    parameters, momenta : program layout; a missing momentum is zero.
    images : (N, H, W, C). labels : (N,) integers.
    bases : per layer name (rows, n); those left out have the float64 definition.

    Raises
    ------
    SpecError : shapes do not fit, the rule learns nothing, or the optimiser has no explicit step.
    """
    if not find_rule(rule.name).learns:
        raise SpecError("--rule", rule.name, "a training step needs a rule that learns", "Choose another rule.")
    kind = torch_dtype(dtype)
    reference = build_reference(network, rule, parameters, dtype=dtype, bases=bases)
    batch = label_tensor(network, labels, len(images))
    tape = reference.learn(image_tensor(network, images, kind), batch)
    on_tape, gradients = _gradients(reference, tape)
    stored = build_momenta(reference, momenta)
    with torch.no_grad():
        moved, velocity = momentum_step(optimizer, reference.trained(), gradients, stored)
    named = {f"{name}_grad": value for name, value in to_arrays(reference, gradients).items()}
    return StepRecord(
        tensors={**_forward_tensors(tape), **_signal_tensors(reference, on_tape), **named},
        losses=_named_losses(reference, tape),
        parameters=to_arrays(reference, {**reference.parameters, **moved}),
        momenta=to_arrays(reference, velocity),
    )


def forward_tensors(
    network: NetworkSpec, rule: RuleSpec, parameters: Mapping[str, Array], images: Array, *, dtype: str = "float32"
) -> dict[str, Array]:
    """Inference: the tensors of one forward pass, with running statistics at their first values, 0 and 1.

    Names and layouts are those of `StepRecord.tensors`.
    """
    reference = build_reference(network, rule, parameters, dtype=dtype)
    with torch.no_grad():
        tape = reference.forward(image_tensor(network, images, torch_dtype(dtype)), training=False)
    return _forward_tensors(tape)


def _named_losses(reference: Reference, tape: Tape) -> dict[str, float]:
    """Losses by block; of two in one block the earlier keeps its layer's name."""
    block_of_last = {layer.block: layer.name for layer in reference.layers if isinstance(layer, WeightedLayer)}
    names = {last: block for block, last in block_of_last.items()}
    return {names.get(name, name): float(value.detach()) for name, value in tape.losses.items()}


def build_momenta(reference: Reference, momenta: Mapping[str, Array]) -> dict[str, Tensor]:
    """Momenta as tensors in PyTorch layout, shaped as their parameters."""
    owners = {layer.name: layer for layer in reference.layers if isinstance(layer, WeightedLayer)}
    tensors: dict[str, Tensor] = {}
    trained, record = reference.trained(), find_rule(reference.rule.name)
    for name, value in momenta.items():
        owner, short = split_name(name)
        if name not in trained:
            raise SpecError("momenta", name, f"rule {reference.rule.name} trains no such parameter", "Remove it.")
        turned = np.array(to_torch(owners[owner], record, short, value), order="C")
        moved = torch.from_numpy(turned).to(trained[name].dtype)
        if moved.shape != trained[name].shape:
            raise SpecError(f"momenta.{name}", value.shape, "its shape must be the parameter's", "Correct it.")
        tensors[name] = moved
    return tensors


def _gradients(reference: Reference, tape: Tape) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Gradients of the objective: of the tape's tensors that a signal reaches, and of the parameters."""
    if tape.objective is None:
        raise AssertionError("the tape holds no objective")
    trained = reference.trained()
    pools = {layer.name for layer in reference.layers if isinstance(layer, PoolLayer)}
    watched = {name: value for name, value in tape.tensors.items() if split_name(name)[0] not in pools}
    found = torch.autograd.grad(tape.objective, [*watched.values(), *trained.values()], allow_unused=True)
    of_tape = {name: grad for name, grad in zip(watched, found[: len(watched)], strict=True) if grad is not None}
    of_trained = {
        name: torch.zeros_like(trained[name]) if grad is None else grad
        for name, grad in zip(trained, found[len(watched) :], strict=True)
    }
    return of_tape, of_trained


def _forward_tensors(tape: Tape) -> dict[str, Array]:
    """The tape in program layout."""
    return {name: _placed(name, value) for name, value in tape.tensors.items()}


def _signal_tensors(reference: Reference, gradients: Mapping[str, Tensor]) -> dict[str, Array]:
    """Gradients of the tape's tensors under their own names."""
    areas = {
        layer.name: window_areas(layer)
        for layer in reference.layers
        if isinstance(layer, WeightedLayer) and layer.local is not None
    }
    signals: dict[str, Array] = {}
    for name, grad in gradients.items():
        owner, short = split_name(name)
        value = _placed(name, grad)
        if short == "latent":
            value = value / areas[owner].astype(value.dtype)
        signals[tensor_name(owner, _GRADIENT_OF[short])] = value
    return signals


def window_areas(layer: WeightedLayer) -> npt.NDArray[np.int64]:
    """Elements averaged into each of a layer's n latent values, in the latent's order."""
    if layer.local is None:
        raise AssertionError(f"layer {layer.name} has no local loss")
    repeats = 1 if layer.local.channels is not None else layer.out_c
    return np.tile(np.asarray(layer.local.areas, np.int64), repeats)


def _placed(name: str, tensor: Tensor) -> npt.NDArray[Any]:
    """A map as (N, h, w, c); latents and logits (N, values) as they are."""
    value = tensor.detach().cpu().numpy()
    return map_to_program(value) if split_name(name)[1] in {"y", "h"} else value
