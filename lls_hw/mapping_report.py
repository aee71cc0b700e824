"""Why the mapper chose what it chose, for people and as plain data; and the user's own mappings."""

from pathlib import Path
from typing import Any

from lls_hw.config import RunSpec
from lls_hw.costs import Costs
from lls_hw.models.spec.accelerator import MappingFile
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.explain import explain_named


def with_mapping(run: RunSpec, path: str) -> RunSpec:
    """The run with the mappings of a TOML file pinned on its chip.

    Raises
    ------
    SpecError : the file cannot be read or holds something else.
    """
    pins = MappingFile.from_toml(Path(path)).op
    return run.model_copy(update={"chip": run.chip.model_copy(update={"mapping": pins})})


def mapping_text(run: RunSpec, costs: Costs, name: str) -> str:
    """Candidates, traffic and winner of an op, or of every product of a layer."""
    return "\n".join(found.text() for found in explain_named(costs.program, run.chip, name))


def mapping_json(run: RunSpec, costs: Costs, name: str) -> list[dict[str, Any]]:
    """The same as plain data."""
    return [
        {
            "op": found.op,
            "budget_bytes": found.budget_bytes,
            "candidates": found.candidates,
            "fitting": found.fitting,
            "winner": {**_choice(found.winner), "estimated_cycles": found.winner_cycles},
            "runners_up": [_choice(other) for other in found.runners_up],
        }
        for found in explain_named(costs.program, run.chip, name)
    ]


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "mapping": choice.text(),
        "order": choice.order,
        "tiles": choice.tiles,
        "dram_bytes": choice.dram_bytes,
        "need_bytes": choice.need_bytes,
    }
