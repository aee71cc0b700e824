"""The border from real numbers to codes: initial masters and input images.

Everything here runs before the first integer; nothing in a training step calls it.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lls_hw.models.program.names import master_of, name_in_reference, split_name
from lls_hw.models.program.program import Program
from lls_hw.sim.functional.normalise import RUNNING_FRAC
from lls_hw.sim.functional.readback import Value, window_areas
from lls_hw.sim.functional.update import compute_copy
from lls_hw.sim.kernels.requant import container

Reals = NDArray[np.floating]


def quantise(values: Reals, bits: int, *, headroom_bits: int = 0) -> Value:
    """Real numbers as codes of `bits` bits at the finest scale that holds them (ties to even)."""
    peak = float(np.max(np.abs(values), initial=0.0))
    frac = bits - 1 - headroom_bits - (math.floor(math.log2(peak)) + 1 if peak > 0 else 0)
    limit = (1 << (bits - 1)) - 1
    codes = np.clip(np.rint(np.asarray(values, np.float64) * 2.0**frac), -limit - 1, limit)
    return Value(codes.astype(container(bits)), frac)


def initial_values(program: Program, parameters: Mapping[str, Reals]) -> dict[str, Value]:
    """Every kept tensor: masters with a bit of headroom, compute copies, zero momenta, statistics."""
    precision = program.precision
    values: dict[str, Value] = {}
    weights = {master_of(name): name for name, tensor in program.tensors.items() if tensor.role == "weight"}
    for name, tensor in program.tensors.items():
        if not tensor.kept or tensor.role == "weight":
            continue
        if tensor.role in ("momentum", "statistic"):
            values[name] = Value(np.zeros(tensor.shape, container(tensor.bits)), 0)
            if tensor.role == "statistic":
                values[name].codes[1] = 1 << RUNNING_FRAC
        else:
            real = parameter_of(program, weights.get(name, name), parameters)
            values[name] = quantise(real, tensor.bits, headroom_bits=0 if tensor.role == "projection" else 1)
    for name, tensor in program.tensors.items():
        if tensor.role == "weight":
            if master_of(name) not in values:  # inference: no master is kept
                master = quantise(parameter_of(program, name, parameters), precision.master_bits, headroom_bits=1)
            else:
                master = values[master_of(name)]
            codes, frac, _ = compute_copy(master.codes, master.frac, precision.weight_bits)
            values[name] = Value(codes, frac)
    return values


def parameter_of(program: Program, name: str, parameters: Mapping[str, Reals]) -> Reals:
    """A parameter in program layout; a block's own classifier goes by another name in the reference.

    There it is `L/local_weight` (classes, n), n in (channel, row, column) order; here a layer
    `L.local` whose input stands in (row, column, channel) order.
    """
    there = name_in_reference(name)
    (layer, which), found = split_name(there), parameters[there]
    if there == name or which == "local_bias":
        return found
    return _window_major(program, layer, found.T).reshape(program.tensors[name].shape)


def _window_major(program: Program, layer: str, latents: Reals) -> Reals:
    """Rows in (channel, window) order as rows in (window, channel) order."""
    areas, channels = window_areas(program, layer)
    return latents.reshape(channels, len(areas), -1).swapaxes(0, 1).reshape(latents.shape)


def input_codes(images: Reals, bits: int) -> Value:
    """Normalised images (batch, height, width, channels) as activation codes."""
    return quantise(images, bits)
