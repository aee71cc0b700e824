"""Technology files of the earlier shape: `[dram]` beside the process's figures, no wires and no controller.

They price transfers, activates and one background power themselves; those figures stand in for the device's. What
they do not name, wires and the memory controller, is taken at 45 nm with its source.
"""

from collections.abc import Mapping
from typing import Any

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.dram_device import DramDeviceSpec
from lls_hw.models.spec.prices import Entry

_NODE_NOTE = "taken at 45 nm unscaled: the file is of the earlier shape and names no figure"
_UNNAMED: dict[str, dict[str, Any]] = {
    "wire": {
        "value": 0.375659,
        "unit": "pJ/bit/mm",
        "source": "CACTI7 run with HewlettPackard/cacti 1ffd8df (itrs-lstp, 45 nm, 350 K), wires, 30 % overhead",
    },
    "dram_controller_bit": {
        "value": 4.15385,
        "unit": "pJ/bit",
        "source": "HewlettPackard/mcpat 74d4759 memoryctrl.cc MCBackend (65 nm, 1.1 V), at 45 nm",
    },
}


class DramFiguresSpec(Spec):
    """A technology's own figures of the DRAM. `background` is the power of a DRAM with a row open."""

    read_bit: Entry
    write_bit: Entry
    activate: Entry
    background: Entry

    def instead_of(self, device: DramDeviceSpec) -> DramDeviceSpec:
        """The device with these figures; its other states keep theirs."""
        figures = {"read_bit": self.read_bit, "write_bit": self.write_bit, "activate": self.activate}
        return device.model_copy(update={**figures, "active_standby": self.background})


def with_unnamed(data: object) -> object:
    """A technology's data; of the earlier shape, with what it does not name."""
    if not isinstance(data, Mapping) or "dram" not in data:
        return data
    sram = data.get("sram")
    if isinstance(sram, Mapping):  # macros are cut from the rows; the largest bank is no longer a figure of its own
        sram = {key: value for key, value in sram.items() if key != "bank_kb"}
    unnamed = {key: {**entry, "node_note": _NODE_NOTE} for key, entry in _UNNAMED.items()}
    return {**unnamed, **data, "sram": sram}
