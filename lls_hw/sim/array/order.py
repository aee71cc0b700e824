"""The order in which a chip adds products: all of it that can change a bit, and that only where a sum may overflow."""

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.array import dataflow_of


def addition_order(chip: AcceleratorSpec) -> dict[str, int | str | None]:
    """Products in a chain from zero (None: all of a sum's), and the unit that adds depthwise convolutions.

    Two chips of equal order compute the same bits at the same precision.

    Examples
    --------
    >>> from lls_hw.models.registry import load
    >>> addition_order(load("chips", "edge_16x16", AcceleratorSpec, "--chip"))
    {'chain_terms': 16, 'depthwise_on': 'vector'}
    """
    chain_terms = dataflow_of(chip.array).chain_terms(chip.array.rows)
    return {"chain_terms": chain_terms, "depthwise_on": chip.depthwise_on}
