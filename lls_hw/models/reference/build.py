"""From descriptions and arrays in program layout to a `Reference`, and back."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from lls_hw.models.program.names import split_name
from lls_hw.models.reference.basis import square_basis
from lls_hw.models.reference.initial import latent_length, parameter_shapes, weighted_layers
from lls_hw.models.reference.layout import to_program, to_torch
from lls_hw.models.reference.network import Reference
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.rules.rule import Array
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.rule import RuleSpec

DTYPES: dict[str, torch.dtype] = {"float32": torch.float32, "float64": torch.float64}


def build_reference(
    network: NetworkSpec,
    rule: RuleSpec,
    parameters: Mapping[str, Array],
    *,
    dtype: str = "float32",
    bases: Mapping[str, Array] | None = None,
    dropout: float = 0.0,
    device: str = "cpu",
) -> Reference:
    """A network with its parameters as leaf tensors.

    Parameters
    ----------
    parameters : ``layer/short`` in program layout, as `initial_parameters` returns them. A projection or
        local classifier may have other columns than the latent's n: it is averaged to n.
    dtype : "float32" or "float64".
    bases : basis per layer name, (rows, n); those left out have the float64 definition.

    Raises
    ------
    SpecError : a parameter or basis is missing, unknown, or of another shape; unknown dtype.
    """
    kind = torch_dtype(dtype)
    check_parameters(network, rule, parameters)
    layers, record = resolve(network), find_rule(rule.name)
    owners = {layer.name: layer for layer in layers if isinstance(layer, WeightedLayer)}
    leaves: dict[str, Tensor] = {}
    for name, value in parameters.items():
        owner, short = split_name(name)
        moved = np.array(to_torch(owners[owner], record, short, value), order="C")
        trained = record.trains(name) and short not in owners[owner].constants
        leaves[name] = torch.from_numpy(moved).to(device, kind).requires_grad_(trained)
    tensors = {
        name: torch.as_tensor(np.ascontiguousarray(value)).to(device, kind)
        for name, value in make_bases(network, rule, bases or {}).items()
    }
    return Reference(layers=layers, rule=rule, parameters=leaves, bases=tensors, dropout=dropout)


def torch_dtype(dtype: str) -> torch.dtype:
    """The floating-point type of a name."""
    if dtype not in DTYPES:
        raise SpecError("dtype", dtype, f"the reference computes in {' or '.join(DTYPES)}", "Use one of them.")
    return DTYPES[dtype]


def make_bases(network: NetworkSpec, rule: RuleSpec, given: Mapping[str, Array]) -> dict[str, Array]:
    """Basis of every layer with a local loss, given or from the definition; empty for rules without."""
    bases: dict[str, Array] = {}
    latent = find_rule(rule.name).latent
    if latent is None or latent.vectors != "periodic":
        return bases
    for layer in weighted_layers(network):
        if layer.local is None:
            continue
        shape = (latent.rows(rule, network.classes), latent_length(layer))
        value = given.get(layer.name)
        bases[layer.name] = square_basis(*shape, waveform=rule.waveform) if value is None else value
        _check_shape(f"bases.{layer.name}", bases[layer.name].shape, shape)
    return bases


def check_parameters(network: NetworkSpec, rule: RuleSpec, parameters: Mapping[str, Array]) -> None:
    """Refuse parameters that are missing, unknown, or of another shape."""
    shapes, record = parameter_shapes(network, rule), find_rule(rule.name)
    for name in parameters.keys() - shapes.keys():
        raise SpecError("parameters", name, f"rule {rule.name} on {network.name} has none", "Remove it.")
    for name, shape in shapes.items():
        state = record.state_of(split_name(name)[1])
        if name not in parameters:
            if state is not None and state.may_lack:
                continue
            raise SpecError("parameters", name, "it is missing", "Start from initial_parameters().")
        found = parameters[name].shape
        compared = 1 if state is not None and state.may_stretch and len(found) == 2 else len(shape)
        _check_shape(f"parameters.{name}", found, (*shape[:compared], *found[compared:]))


def _check_shape(where: str, found: Sequence[int], need: Sequence[int]) -> None:
    if tuple(found) != tuple(need):
        raise SpecError(where, tuple(found), f"its shape must be {tuple(need)}", "Use program layout.")


def to_arrays(reference: Reference, tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    """Parameters, gradients or momenta by parameter name, back in program layout."""
    owners = {layer.name: layer for layer in reference.layers if isinstance(layer, WeightedLayer)}
    record = find_rule(reference.rule.name)
    arrays: dict[str, Array] = {}
    for name, tensor in tensors.items():
        owner, short = split_name(name)
        arrays[name] = to_program(owners[owner], record, short, tensor.detach().cpu().numpy())
    return arrays


def image_tensor(network: NetworkSpec, images: Array, dtype: torch.dtype, device: str = "cpu") -> Tensor:
    """Images (N, H, W, C) as an (N, C, H, W) tensor whose memory stays channels-last."""
    channels, height, width = network.input
    if images.ndim != 4 or images.shape[1:] != (height, width, channels):
        need = f"(batch, {height}, {width}, {channels})"
        raise SpecError("images", images.shape, f"their shape must be {need}", "Reorder or resize them.")
    return torch.from_numpy(np.ascontiguousarray(images)).to(device, dtype).permute(0, 3, 1, 2)


def label_tensor(network: NetworkSpec, labels: Array, batch: int, device: str = "cpu") -> Tensor:
    """Labels (N,) as int64."""
    if labels.shape != (batch,):
        raise SpecError("labels", labels.shape, f"their shape must be ({batch},)", "Give one label an image.")
    if batch and not 0 <= int(labels.min()) <= int(labels.max()) < network.classes:
        found = (int(labels.min()), int(labels.max()))
        raise SpecError("labels", found, f"they lie in 0 to {network.classes - 1}", "Check the number of classes.")
    return torch.from_numpy(labels.astype(np.int64)).to(device)
