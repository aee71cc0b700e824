"""Which chips add in one order: then, and only then, they share trainings and checkpoints whatever overflows."""

import pytest

from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.array.order import addition_order
from lls_hw.training.identity import identity
from lls_hw.training.plan import TrainPlan
from tests.unit.training.helpers import small_run

EDGE = load("chips", "edge_16x16", AcceleratorSpec, "--chip")


@pytest.mark.parametrize("change", [{"cols": 3}, {"dataflow": "is"}, {"preload_hidden": False}], ids=str)
def test_order__what_does_not_cut_sums_does_not_count(change):
    assert addition_order(EDGE.changed("array", **change)) == addition_order(EDGE)


@pytest.mark.parametrize("change", [{"rows": 8}, {"dataflow": "os"}, {"rows": 8, "dataflow": "is"}], ids=str)
def test_order__what_cuts_sums_counts(change):
    assert addition_order(EDGE.changed("array", **change)) != addition_order(EDGE)


def test_order__whole_sums_do_not_know_rows_and_depthwise_knows_its_unit():
    by_os = [addition_order(EDGE.changed("array", rows=rows, dataflow="os")) for rows in (4, 64)]
    assert by_os[0] == by_os[1]
    assert addition_order(EDGE.model_copy(update={"depthwise_on": "array"})) != addition_order(EDGE)


def test_checkpoint__belongs_to_an_order_of_additions():
    found = {}
    for flow in ("ws", "is", "os"):
        run, images = small_run(dataflow=flow)
        found[flow] = identity(run, TrainPlan(), images)
    assert found["ws"] == found["is"] != found["os"]
