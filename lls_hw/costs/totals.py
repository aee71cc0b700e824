"""The totals of a training step, a line each; tables, pages, sweeps and searches are made of this table.

A new total is a line here and its place in `json.totals_json`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

TablePlace = Literal["terminal", "compare", "page", "sweep"]
"""The table of a run, the table of several rules, the pages of runs and comparisons, the columns of a sweep."""

PART_LABELS = {
    "array": "array",
    "sram": "scratchpad",
    "dram": "DRAM",
    "vector": "vector unit",
    "local": "local unit",
    "leakage": "leakage",
}
"""The parts of the energy."""
DRAM_LABELS = {
    "dram_transfer": "DRAM transfer",
    "dram_activate": "DRAM activates",
    "dram_background": "DRAM background",
}
"""The parts of the DRAM's energy: data moved, rows opened, and power over time."""
AS_IS, KIBIBYTES, MILLIONS = ("", 1.0), ("KiB", 1024.0), ("M", 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A figure of one training step.

    Attributes
    ----------
    key : its column in a sweep, and its name everywhere.
    label, unit : what people read; the unit is that of the value.
    form : the format of the value in a terminal.
    scale : the unit of the terminal, and how many of the value's units it is.
    path : where `totals` of a result hold it, keys with dots between; several are summed. The key if empty.
    places : the tables that show it.
    ratio : its name among the ratios to a baseline; empty where none is taken.
    per_image : the column of the value over the batch; empty where there is none.
    of_batch : it grows with the batch.
    objective : its name as a goal of a search; empty where it is none.
    better : -1 where less is better, 1 where more is.
    log : drawn on a logarithmic axis.
    whole : it counts something.
    """

    key: str
    label: str
    unit: str = ""
    form: str = ",.1f"
    scale: tuple[str, float] = AS_IS
    path: tuple[str, ...] = ()
    places: tuple[TablePlace, ...] = ("terminal", "page", "sweep")
    ratio: str = ""
    per_image: str = ""
    objective: str = ""
    of_batch: bool = False
    better: int = -1
    log: bool = True
    whole: bool = False

    def value(self, totals: Mapping[str, Any]) -> Any:  # noqa: ANN401  (any number)
        """The figure in a result's totals; None where they do not hold it.

        Examples
        --------
        >>> TOTALS["dram_bytes"].value({"dram_bytes": {"read": 3, "write": 4}}), TOTALS["area_mm2"].value({})
        (7, None)
        """
        found = [_at(totals, path) for path in self.path or (self.key,)]
        return None if None in found else sum(found) if len(found) > 1 else found[0]

    @property
    def title(self) -> str:
        """Label and unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    @property
    def heading(self) -> str:
        """Label and unit of what `text` prints, in ASCII.

        Examples
        --------
        >>> TOTALS["energy_uj"].heading, TOTALS["dram_bytes"].heading, TOTALS["macs_inference"].heading
        ('energy, uJ', 'DRAM traffic, KiB', 'MACs, inference, M')
        """
        unit = self.scale[0] or self.unit
        return (f"{self.label}, {unit}" if unit else self.label).replace("µ", "u").replace("²", "2")

    def text(self, value: float) -> str:
        """The value in a terminal.

        Examples
        --------
        >>> TOTALS["cycles"].text(1234), TOTALS["dram_bytes"].text(1234), TOTALS["utilization"].text(0.5)
        ('1,234', '1.2', '50.0%')
        """
        return format(value if self.scale == AS_IS else value / self.scale[1], self.form)


def _at(totals: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401  (any number)
    found: Any = totals
    for key in path.split("."):
        found = found[int(key)] if isinstance(found, list) else found.get(key) if found else None
    return found


def _energy_part(part: str, label: str) -> Total:
    return Total(key=f"energy_{part}_uj", path=(f"energy_uj.{part}",), label=f"energy, {label}", unit="µJ")


_EVERYWHERE: tuple[TablePlace, ...] = ("terminal", "compare", "page", "sweep")
_LINES = (
    Total(key="cycles", label="cycles", form=",", whole=True, places=_EVERYWHERE, ratio="cycles",
          of_batch=True, per_image="cycles_per_image"),
    Total(key="time_ms", label="time", unit="ms", form=",.3f", of_batch=True, objective="latency"),
    Total(key="energy_uj", path=("energy_uj.total",), label="energy", unit="µJ", places=_EVERYWHERE, ratio="energy",
          of_batch=True, per_image="energy_per_image_uj", objective="energy"),
    *(_energy_part(part, label) for part, label in PART_LABELS.items()),
    *(_energy_part(part, label) for part, label in DRAM_LABELS.items()),
    Total(key="static_energy_uj", label="energy, static", unit="µJ"),
    Total(key="energy_low_uj", path=("energy_uj_low_high.0",), label="energy by the lowest sources", unit="µJ"),
    Total(key="energy_high_uj", path=("energy_uj_low_high.1",), label="energy by the highest sources", unit="µJ"),
    Total(key="dram_bytes", path=("dram_bytes.read", "dram_bytes.write"), label="DRAM traffic", unit="bytes",
          scale=KIBIBYTES, whole=True, places=("terminal", "compare"), ratio="dram_bytes"),
    Total(key="dram_read_bytes", path=("dram_bytes.read",), label="DRAM read", unit="bytes", scale=KIBIBYTES,
          whole=True, places=("page", "sweep")),
    Total(key="dram_write_bytes", path=("dram_bytes.write",), label="DRAM written", unit="bytes", scale=KIBIBYTES,
          whole=True, places=("page", "sweep")),
    Total(key="sram_peak_bytes", label="peak scratchpad", unit="bytes", scale=KIBIBYTES, whole=True,
          places=_EVERYWHERE, ratio="sram_peak", objective="sram"),
    Total(key="training_memory_bytes", label="training memory", unit="bytes", scale=KIBIBYTES, whole=True,
          places=_EVERYWHERE, ratio="training_memory", objective="memory"),
    Total(key="scheduled_memory_bytes", label="memory as scheduled", unit="bytes", scale=KIBIBYTES, whole=True,
          places=_EVERYWHERE, ratio="scheduled_memory"),
    Total(key="area_mm2", label="area of the SRAM macros", unit="mm²", form=",.3f", objective="area"),
    Total(key="average_power_mw", label="average power", unit="mW"),
    Total(key="edp_uj_ms", label="energy-delay product", unit="µJ ms"),
    Total(key="utilization", label="array utilization", form=".1%", better=1, log=False),
    Total(key="macs_training_step", path=("macs.training_step",), label="MACs, training step", form=",.2f",
          scale=MILLIONS, whole=True, ratio="training_step_macs"),
    Total(key="macs_learning_signal", path=("macs.learning_signal",), label="MACs, learning signal", form=",.3f",
          scale=MILLIONS, whole=True, places=_EVERYWHERE, ratio="learning_signal_macs"),
    Total(key="macs_inference", path=("macs.inference",), label="MACs, inference", form=",.2f", scale=MILLIONS,
          whole=True),
)  # fmt: skip

TOTALS: dict[str, Total] = {line.key: line for line in _LINES}
"""Every total by its key, in the order of all tables."""


def totals_of(place: TablePlace) -> tuple[Total, ...]:
    """The totals that a table shows.

    Examples
    --------
    >>> [total.key for total in totals_of("compare")][:3]
    ['cycles', 'energy_uj', 'dram_bytes']
    """
    return tuple(total for total in TOTALS.values() if place in total.places)
