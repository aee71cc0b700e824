"""A level of memory in a run's JSON, of this version or of one that had a table for each."""

from collections.abc import Mapping
from typing import Any, Literal


def level_of(chip: Mapping[str, Any], kind: Literal["accumulators", "sram", "dram"]) -> Mapping[str, Any]:
    """The innermost level of a kind; empty where the JSON names none.

    Examples
    --------
    >>> level_of({"memory": [{"kind": "sram", "banks": 16}, {"kind": "sram", "banks": 4}]}, "sram")["banks"]
    16
    >>> level_of({"dram": {"bytes_per_cycle": 8}}, "dram")
    {'bytes_per_cycle': 8}
    """
    listed = [level for level in chip.get("memory") or () if level.get("kind") == kind]
    return listed[0] if listed else chip.get("scratchpad" if kind == "sram" else kind) or {}
