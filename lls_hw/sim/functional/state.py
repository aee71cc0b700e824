"""The border from real numbers to codes: initial masters and input images.

Everything here runs before the first integer; nothing in a training step calls it.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lls_hw.models.program.names import master_of, tensor_name
from lls_hw.models.program.program import Program
from lls_hw.models.rules.lls import BASIS_FRAC
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.resolve import resolve
from lls_hw.sim.functional.normalise import RUNNING_FRAC
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.functional.update import compute_copy
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.kernels.tables import cosine_table

Reals = NDArray[np.floating]


def quantise(values: Reals, bits: int, *, headroom_bits: int = 0) -> Value:
    """Real numbers as codes of `bits` bits at the finest scale that holds them (ties to even)."""
    peak = float(np.max(np.abs(values), initial=0.0))
    frac = bits - 1 - headroom_bits - (math.floor(math.log2(peak)) + 1 if peak > 0 else 0)
    limit = (1 << (bits - 1)) - 1
    codes = np.clip(np.rint(np.asarray(values, np.float64) * 2.0**frac), -limit - 1, limit)
    return Value(codes.astype(container(bits)), frac)


def initial_values(program: Program, parameters: Mapping[str, Reals]) -> dict[str, Value]:
    """Every kept tensor: masters with a bit of headroom, compute copies, zero momenta and sums, statistics, tables."""
    precision, held = program.precision, chip_parameters(program, parameters)
    values: dict[str, Value] = {}
    weights = {master_of(name): name for name, tensor in program.tensors.items() if tensor.role == "weight"}
    for name, tensor in program.tensors.items():
        if not tensor.kept or tensor.role == "weight":
            continue
        if tensor.role in ("momentum", "statistic", "gradient"):
            values[name] = Value(np.zeros(tensor.shape, container(tensor.bits)), 0)
            if tensor.role == "statistic":
                values[name].codes[1] = 1 << RUNNING_FRAC
        elif tensor.role == "table":
            rows, latents = tensor.shape
            values[name] = Value(cosine_table(rows, latents, BASIS_FRAC), BASIS_FRAC)
        else:
            real = held[weights.get(name, name)]
            values[name] = quantise(real, tensor.bits, headroom_bits=0 if tensor.role == "projection" else 1)
    for name, tensor in program.tensors.items():
        if tensor.role == "weight":
            if master_of(name) not in values:  # inference: no master is kept
                master = quantise(held[name], precision.master_bits, headroom_bits=1)
            else:
                master = values[master_of(name)]
            codes, frac, _ = compute_copy(master.codes, master.frac, precision.weight_bits)
            values[name] = Value(codes, frac)
    return values


def chip_parameters(program: Program, parameters: Mapping[str, Reals]) -> dict[str, Reals]:
    """Parameters by the names and in the shapes of the program's tensors: a rule's state as its record says."""
    record, found = find_rule(program.rule.name), dict(parameters)
    for layer in resolve(program.network):
        if isinstance(layer, WeightedLayer) and layer.local is not None:
            for state in record.state:
                value, name = parameters[tensor_name(layer.name, state.short)], state.tensor(layer.name, state.short)
                found[name] = state.to_chip(layer, program.batch, value).reshape(program.tensors[name].shape)
    return found


def input_codes(images: Reals, bits: int) -> Value:
    """Normalised images (batch, height, width, channels) as activation codes."""
    return quantise(images, bits)
