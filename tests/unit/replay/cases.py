"""A step of a network on a chip, ready to be replayed: what it begins with, and its tensors after it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lls_hw.fidelity.replay import MOST_STEPS, first_steady
from lls_hw.models.program.lower import lower
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import parse_bits
from lls_hw.models.spec.rule import OptimizerSpec
from lls_hw.sim.event.engine import run_schedule
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.functional.state import initial_values, input_codes
from lls_hw.sim.mapping.objective import FEWEST_BYTES, Objective
from lls_hw.sim.mapping.schedule import Schedule, schedule_program
from lls_hw.sim.replay.compare import Proof, compare
from lls_hw.sim.replay.replay import StepStart, replay_schedule
from lls_hw.sim.schedule.best import candidates
from lls_hw.sim.schedule.plan import GroupPlans
from tests.unit.functional.small import parameters


@dataclass(frozen=True)
class Case:
    """A step whose scales all stand before it."""

    program: Program
    chip: AcceleratorSpec
    start: StepStart
    after: Mapping[str, Value]

    def schedules(self, order: str, objective: Objective = FEWEST_BYTES) -> list[Schedule]:
        """Op by op, or every schedule of groups that the search proposes."""
        by_op = schedule_program(self.program, self.chip)  # refuses a chip that is too small
        if order == "op":
            return [by_op]
        found = candidates(self.program, self.chip, order, objective)
        return [GroupPlans(self.program, ops, self.chip).schedule() for ops in found]

    def replay(self, schedule: Schedule) -> Proof:
        """Carry a schedule out and hold it against both engines."""
        replayed = replay_schedule(schedule, self.start)
        return compare(replayed, schedule, self.after, run_schedule(schedule))


def shrunk(net: str, shape: tuple[int, int, int], by: int = 16) -> NetworkSpec:
    """A shipped network with a small input and a share of its channels."""
    data = load_network(net).resized(shape, 3).model_dump()
    for layer in data["layers"]:
        for width in ("out_channels", "out_features"):
            if width in layer:
                layer[width] = max(2, layer[width] // by)
                layer["pool"] = max(1, layer["pool"] // (by if width == "out_features" else 1))
    return NetworkSpec.from_mapping({**data, "projection_columns": "latent"}, net)


def chip(name: str = "edge_16x16", *, sram_kib: int | None = None) -> AcceleratorSpec:
    """A shipped chip, with another scratchpad."""
    found = load("chips", name, AcceleratorSpec, "--chip")
    return found if sram_kib is None else found.changed("scratchpad", capacity_bytes=sram_kib * 1024)


def case(
    network: NetworkSpec,
    rule: str,
    on: AcceleratorSpec,
    *,
    batch: int = 2,
    bits: str = "8",
    optimizer: str = "momentum",
) -> Case | None:
    """The first step whose scales stand before it; None if there is none among the first dozen."""
    spec = parse_rule(rule, reduced_rows=network.reduced_rows)
    program = lower(network, spec, parse_bits(bits), optimizer=OptimizerSpec(name=optimizer), batch=batch)
    engine = FunctionalEngine(program, initial_values(program, parameters(program)), on, seed=1)
    rng = np.random.default_rng(2)
    c, h, w = network.input
    batches = (
        (
            input_codes(rng.standard_normal((batch, h, w, c)), program.precision.activation_bits),
            rng.integers(0, network.classes, batch),
        )
        for _ in range(MOST_STEPS)
    )
    found = first_steady(engine, batches)
    if found is None or found.overflows:
        return None
    return Case(program, on, found.start, dict(engine.machine.values))
