"""One training step's costed schedule, carried out on the codes of a real step and held against both engines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lls_hw.config import RunSpec, lower_run, objective_of
from lls_hw.fidelity.integer_steps import start_values, step_batch
from lls_hw.models.data import Images
from lls_hw.models.program.program import Program
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.event.engine import ScheduleRun, run_best
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.machine import IntegerMachine
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.mapping.pinned import check_pins
from lls_hw.sim.replay.compare import Proof, compare
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.machine import started
from lls_hw.sim.replay.replay import StepStart, refuse_replay, replay_schedule

REPLAY_SCHEMA = "lls-hw/replay/1"
MOST_STEPS = 12
"""Steps that are taken at most before all scales stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A replayed run.

    Attributes
    ----------
    found : the schedule, and its run by the event engine.
    step : which training step was replayed, counted from 1: the first whose scales all stood before it.
    """

    run: RunSpec
    found: ScheduleRun
    step: int
    proof: Proof

    @property
    def schedule(self) -> str:
        """The schedule that was carried out, in words."""
        groups = self.found.result.groups
        return f"{len(groups)} groups and single ops" if groups else f"{len(self.found.schedule.ops)} ops one by one"

    def json(self) -> dict[str, Any]:
        """Plain data under schema "lls-hw/replay/1"."""
        from lls_hw.files import package_version

        proof = self.proof
        return {
            "schema": REPLAY_SCHEMA,
            "version": package_version(),
            "inputs": self.run.model_dump(mode="json"),
            "schedule": self.schedule,
            "step": self.step,
            "proved": proof.holds,
            "differences": list(proof.differences),
            "tiles": proof.tiles,
            "equal_tensors": {"kept": proof.kept, "others": proof.others},
            "dram_read_bytes": dict(proof.moved["read"]),
            "dram_write_bytes": dict(proof.moved["write"]),
            "scratchpad": {
                "capacity_bytes": proof.capacity_bytes,
                "peak_address_bytes": proof.peak_bytes,
                "most_held_bytes": proof.held_bytes,
                "memory_map": proof.memory_map,
            },
        }


def replay(run: RunSpec, images: Images, *, progress: Callable[[str], None] = lambda _: None) -> Replay:
    """Cost a step, take a step in integers, and carry the costed schedule out on the same codes.

    Raises
    ------
    SpecError : the schedule or the step is of a kind that cannot be replayed; says which.
    """
    program = lower_run(run)
    refuse_replay(program, run.chip)
    check_pins(program, run.chip)
    progress("schedule and its costs")
    found = run_best(program, run.chip, objective_of(run), run.schedule, trace=False, batched=True)
    progress("integers")
    steady = steady_step(run, program, images)
    try:
        replayed = replay_schedule(found.schedule, steady.start, say=progress)
    except ReplayError as error:
        proof = Proof.failed(str(error), run.chip.scratchpad.capacity_bytes)
    else:
        proof = compare(replayed, found.schedule, steady.engine.machine.values, found.result)
    return Replay(run=run, found=found, step=steady.number, proof=proof)


@dataclass(frozen=True, slots=True)
class SteadyStep:
    """A step of which the scales stand before it, as costs assume.

    Attributes
    ----------
    start, engine : what it begins with, and the engine after it.
    overflows : whether an accumulator overflowed, so that sums depend on the order of additions.
    """

    number: int
    start: StepStart
    engine: FunctionalEngine
    overflows: bool


def first_steady(engine: FunctionalEngine, batches: Iterable[tuple[Value, Ints]]) -> SteadyStep | None:
    """Take steps until there is one in which no scale had to be measured; None if the batches run out before."""
    for number, (images, labels) in enumerate(batches, 1):
        start = started(engine.machine)
        records = engine.step(images, labels)
        if _scales(start) == _scales(engine.machine):
            overflows = any(record.tally.overflows for record in records)
            return SteadyStep(number, StepStart(start, images, labels), engine, overflows)
    return None


def steady_step(run: RunSpec, program: Program, images: Images) -> SteadyStep:
    """The first step in which no scale had to be measured.

    Raises
    ------
    SpecError : there is none among the first; an accumulator overflows in it.
    """
    engine = FunctionalEngine(program, start_values(run, program), run.chip, seed=run.seed)
    found = first_steady(engine, (step_batch(run, images, step) for step in range(MOST_STEPS)))
    if found is None:
        need = (
            f"in each of the first {MOST_STEPS} steps some tensor was zero for the last time, and its scale is measured"
        )
        raise SpecError("--seed", run.seed, need, "Choose another, or a larger batch.")
    if found.overflows:
        need = "accumulators overflow, and then sums depend on the order of additions"
        raise SpecError("--bits", run.precision.label(), need, "Use wider accumulators.")
    return found


def _scales(machine: IntegerMachine) -> tuple[set[str], set[str]]:
    """Tensors whose scale stands before the next step."""
    return set(machine.scales.seen), set(machine.scales.fixed)
