"""The systolic array: its dataflows by name."""

from lls_hw.sim.array.dataflow import Dataflow

DATAFLOWS = {
    flow.name: flow
    for flow in (
        Dataflow(name="ws", streams="m", rows_hold="k", columns_hold="n"),
        Dataflow(name="os", streams="k", rows_hold="m", columns_hold="n"),
        Dataflow(name="is", streams="n", rows_hold="k", columns_hold="m"),
    )
}
