"""The systolic array: its dataflows by name. A new one is a file with its record and a line here."""

from typing import TYPE_CHECKING

from lls_hw.models.spec.choices import chosen
from lls_hw.sim.array.dataflow import Dataflow
from lls_hw.sim.array.input_stationary import INPUT_STATIONARY
from lls_hw.sim.array.output_stationary import OUTPUT_STATIONARY
from lls_hw.sim.array.weight_stationary import WEIGHT_STATIONARY

if TYPE_CHECKING:
    from lls_hw.models.spec.accelerator import ArraySpec

DATAFLOWS: dict[str, Dataflow] = {flow.name: flow for flow in (WEIGHT_STATIONARY, OUTPUT_STATIONARY, INPUT_STATIONARY)}


def dataflow_of(array: "ArraySpec") -> Dataflow:
    """The dataflow that an array runs."""
    return named_dataflow("array.dataflow", array.dataflow)


def named_dataflow(where: str, name: str) -> Dataflow:
    """The dataflow of that name; `where` prefixes the error.

    Raises
    ------
    SpecError : there is none.

    Examples
    --------
    >>> named_dataflow("--dataflow", "os").sums_stay
    True
    """
    return DATAFLOWS[chosen(where, name, DATAFLOWS, "the dataflows are", "Choose one.")]
