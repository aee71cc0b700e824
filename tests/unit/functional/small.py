"""A small network with every kind of layer, integer-friendly initial values, and one training step."""

import hashlib
import sys
from contextlib import suppress

import numpy as np

from lls_hw.models.program.lower import lower
from lls_hw.models.reference.initial import parameter_shapes
from lls_hw.models.registry import load
from lls_hw.models.rules.registry import parse_rule, rules
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import Norm
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision, parse_bits
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.rule import OptimizerSpec
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.state import initial_values, input_codes

BATCH = 3


def network(local_loss: str = "conv") -> NetworkSpec:
    """Uneven windows on a 7x6 map, pooling, a separable block, a linear block longer than its output."""
    layers = [
        {"kind": "conv", "name": "a", "out_channels": 3, "kernel": 3, "stride": 1, "padding": 1, "pool": 4},
        {"kind": "max_pool", "size": 2},
        {"kind": "separable", "name": "b", "out_channels": 4, "kernel": 3, "stride": 1, "padding": 1, "pool": 3,
         "local_loss": local_loss},
        {"kind": "adaptive_avg_pool", "size": 2},
        {"kind": "linear", "name": "c", "out_features": 5, "pool": 8},
    ]  # fmt: skip
    data = {"name": "small", "input": (2, 7, 6), "classes": 3, "reduced_rows": 2, "layers": layers}
    return NetworkSpec.from_mapping(data, "small")


def grouped() -> NetworkSpec:
    """The same with widths that two groups of channels divide, and norms of such groups."""
    data = network().model_dump()
    for layer, width in zip(data["layers"], ("out_channels", "", "out_channels", "", "out_features"), strict=True):
        layer.update({width: layer[width] + layer[width] % 2 + 2} if width else {})
    return NetworkSpec.from_mapping({**data, "norm": "group", "norm_groups": 2}, "small")


def with_fitting_norm(net: NetworkSpec, norm: Norm) -> NetworkSpec:
    """A network with a norm; groups of channels are as many, of a few, as its layers' channels allow.

    Raises
    ------
    SpecError : its samples have a single value somewhere.
    """
    for groups in (8, 4, 3, 2):
        found = net.with_norm(norm).model_copy(update={"norm_groups": groups})
        with suppress(SpecError):
            resolve(found)
            return found
    found = net.with_norm(norm).model_copy(update={"norm_groups": 1})
    resolve(found)
    return found


RULES = tuple(rules())
LEARNING = tuple(name for name, rule in rules().items() if rule.learns)


def parameters(program, seed=1):
    """Random values for every parameter of the rule; gammas about one."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.standard_normal(shape) * 0.3 + (1.0 if name.endswith("gamma") else 0.0)
        for name, shape in parameter_shapes(program.network, program.rule).items()
    }


def engine(
    rule="lls_m", bits="8", *, seed=0, optimizer="momentum", rate=0.05, net=None, chip=None, constants=None, **widths
):
    """An engine at its first step."""
    precision = Precision(**{**parse_bits(bits).model_dump(), **widths})
    spec = parse_rule(rule, **{"temperature": 0.5, "reduced_rows": 2, **(constants or {})})
    opt = OptimizerSpec(name=optimizer, learning_rate=rate)
    program = lower(net or network(), spec, precision, optimizer=opt, batch=BATCH)
    chip = chip or load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    return FunctionalEngine(program, initial_values(program, parameters(program)), chip, seed=seed)


def images(bits, seed=2):
    """A batch for `network` and its labels."""
    rng = np.random.default_rng(seed)
    return input_codes(rng.standard_normal((BATCH, 7, 6, 2)), bits), rng.integers(0, 3, BATCH)


def train(machine, steps=2):
    """Run steps; the engine again."""
    bits = machine.machine.program.precision.activation_bits
    for step in range(steps):
        machine.step(*images(bits, seed=step))
    return machine


def digest(machine) -> str:
    """Hash of every tensor and scale of the machine, and of what the ops counted."""
    m, found = machine.machine, hashlib.sha256()
    for name, value in sorted(m.values.items()):
        found.update(f"{name} {value.codes.dtype} {value.frac}".encode() + np.ascontiguousarray(value.codes).tobytes())
    for record in m.records:
        if record.likelihood is not None:
            found.update(np.ascontiguousarray(record.likelihood).tobytes())
        counts = record.tally.macs, record.tally.overflows, record.signal_macs, record.saturated
        counts = *counts, record.wanted, record.lost
        found.update(f"{record.index} {counts}".encode())
    return found.hexdigest()


CASES = (("lls", "8", {}), ("lls_m", "16", {"scaling": "two_pass"}),
         ("lls_mxm", "w4,a8,e8,m16,acc16", {"overflow": "wrap"}),
         ("lls_mxm_reduced", "w4,a6,e5,m12,acc16", {"scaling": "static"}))  # fmt: skip


def digests(*chosen: int) -> list[str]:
    """One digest a case (all of them by default); the last two overflow their 16-bit accumulators."""
    cases = [CASES[i] for i in chosen] or CASES
    return [digest(train(engine(rule, bits, **widths), 1)) for rule, bits, widths in cases]


if __name__ == "__main__":
    sys.stdout.write("\n".join(digests(*map(int, sys.argv[1:]))))
