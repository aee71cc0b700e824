"""The border between real numbers and codes: initial masters, input images, and reading back.

Everything here runs before the first integer or after the last; nothing in a training step
calls it.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from lls_hw.models.program.ops import LocalProject
from lls_hw.models.program.program import Program
from lls_hw.sim.functional.machine import Value
from lls_hw.sim.functional.normalise import RUNNING_FRAC
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
    for name, tensor in program.tensors.items():
        if not tensor.kept:
            continue
        if tensor.role in ("momentum", "statistic"):
            values[name] = Value(np.zeros(tensor.shape, container(tensor.bits)), 0)
            if tensor.role == "statistic":
                values[name].codes[1] = 1 << RUNNING_FRAC
        else:
            real = parameters[name.removesuffix("@master")]
            values[name] = quantise(real, precision.master_bits, headroom_bits=1)
    for name, tensor in program.tensors.items():
        if tensor.role == "weight":
            master = values.get(f"{name}@master") or values[name]
            codes, frac, _ = compute_copy(master.codes, master.frac, precision.weight_bits)
            values[name] = Value(codes, frac)
    return values


def input_codes(images: Reals, bits: int) -> Value:
    """Normalised images (batch, height, width, channels) as activation codes."""
    return quantise(images, bits)


def real(value: Value) -> NDArray[np.float64]:
    """Codes as real numbers."""
    return np.asarray(value.codes, np.float64) * 2.0**-value.frac


def real_tensor(program: Program, name: str, value: Value) -> NDArray[np.float64]:
    """A program tensor in the reference's units: latents are means, not sums."""
    numbers = real(value)
    layer, _, which = name.rpartition("/")
    if which in ("latent", "projected"):
        op = next(o for o in program.ops if isinstance(o, LocalProject) and o.layer == layer)
        return numbers / max(op.grid.areas)
    return numbers
