"""The costs of a step as plain data, as results hold them."""

from dataclasses import asdict
from typing import Any

from lls_hw.costs.step import Costs, ratio, scheduled_memory_bytes, training_memory
from lls_hw.costs.totals import TOTALS
from lls_hw.sim.event.result import CAUSES, StageResult
from lls_hw.sim.schedule.bound import compulsory_bytes
from lls_hw.sim.schedule.explain import describe


def totals_json(costs: Costs) -> dict[str, Any]:
    """Totals of one training step."""
    events = costs.events
    return {
        "cycles": events.cycles,
        "time_ms": costs.time_ms,
        "macs": asdict(costs.macs),
        "energy_uj": costs.energy.to_uj(),
        "static_energy_uj": costs.energy.static * 1e-6,
        "dram_bytes": {"read": events.counts.dram_read_bytes, "write": events.counts.dram_write_bytes},
        "sram_peak_bytes": events.scratchpad_peak_bytes,
        "sram_peak_tensors": dict(events.peak_tensors),
        **_second_json(costs),
        "training_memory_bytes": costs.program.training_memory_bytes(),
        "training_memory": training_memory(costs.program),
        "scheduled_memory_bytes": scheduled_memory_bytes(costs),
        "area_mm2": costs.area_mm2,
        "average_power_mw": costs.average_power_mw,
        "edp_uj_ms": costs.edp_uj_ms,
        "energy_uj_low_high": list(costs.energy_uj_low_high),
        "busy_cycles": dict(events.busy_cycles),
        "stall_cycles": {cause: sum(s.own_stall_cycles.get(cause, 0) for s in events.stages) for cause in CAUSES},
        "utilization": events.utilization,
    }


def _second_json(costs: Costs) -> dict[str, Any]:
    """The second level of a run that has one: words, most bytes held, and the tensors that live there."""
    events, counts = costs.events, costs.events.counts
    if not events.second_bytes:
        return {}
    return {
        "second_words": {"read": counts.second_read_words, "write": counts.second_write_words},
        "second_peak_bytes": events.second_peak_bytes,
        "second_tensors": dict(events.second_tensors),
    }


def schedule_json(costs: Costs) -> dict[str, Any]:
    """Groups of ops that shared their tiles (none: op by op), and the DRAM bytes that no schedule goes below."""
    least, counts = compulsory_bytes(costs.program), costs.events.counts
    return {
        "groups": [asdict(note) for note in describe(costs.program, costs.events.groups)],
        "compulsory_dram_bytes": least,
        "above_compulsory": ratio(counts.dram_read_bytes + counts.dram_write_bytes, least),
    }


def stages_json(costs: Costs) -> list[dict[str, Any]]:
    """One entry per layer and stage; cycles, energy and bytes sum to the totals."""
    return [
        {
            "layer": stage.layer,
            "stage": stage.stage,
            "cycles": stage.cycles,
            "stall_cycles": stage_stalls(stage),
            "stall_causes": {cause: stage.own_stall_cycles.get(cause, 0) for cause in CAUSES},
            "busy_cycles": dict(stage.busy_cycles),
            "sram_peak_bytes": stage.peak_bytes,
            "utilization": stage_utilization(costs, stage),
            "macs": stage.macs + stage.signal_macs,
            "energy_uj": energy.to_uj(),
            "dram_bytes": {"read": stage.counts.dram_read_bytes, "write": stage.counts.dram_write_bytes},
        }
        for stage, energy in zip(costs.events.stages, costs.stage_energy, strict=True)
    ]


def stage_stalls(stage: StageResult) -> int:
    """Of the stage's own cycles, those in which the first unit of the op that the run waits for did not work.

    A stage that waits under an earlier one's cycles is not charged for them.
    """
    return sum(stage.own_stall_cycles.values())


def stage_utilization(costs: Costs, stage: StageResult) -> float:
    """Array multiply-accumulates over processing elements x the stage's cycles.

    Where the array worked for the stage under an earlier one's cycles, its busy cycles count
    instead, so the figure stays between 0 and 1.
    """
    cycles = max(stage.cycles, stage.busy_cycles.get("array", 0))
    return stage.counts.macs / (cycles * costs.events.array_pes) if cycles else 0.0


def ratios(costs: Costs, baseline: Costs) -> dict[str, float | None]:
    """baseline / this run; null where this run has none of it."""
    ours, theirs = _in_picojoules(costs), _in_picojoules(baseline)
    return {one.ratio: ratio(one.value(theirs), one.value(ours)) for one in TOTALS.values() if one.ratio}


def _in_picojoules(costs: Costs) -> dict[str, Any]:
    """The totals with the energy as it was summed: a quotient of rounded microjoules differs in its last bit."""
    return {**totals_json(costs), "energy_uj": {"total": costs.energy.total}}
