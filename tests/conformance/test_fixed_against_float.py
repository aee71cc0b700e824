"""Weight gradients of SmallConv in fixed point against the float reference."""

import pytest

from lls_hw.config import lower_run, resolve_run
from lls_hw.fidelity.integer_steps import run_numerics
from lls_hw.options.run import RunChoices

FLOORS = {"16": 0.999, "8": 0.97}


@pytest.mark.parametrize("bits", FLOORS)
@pytest.mark.parametrize("rule", ["lls", "lls_m", "lls_mxm"])
def test_weight_gradient__keeps_its_direction(rule: str, bits: str) -> None:
    run, images = resolve_run(RunChoices(net="smallconv", rule=rule, bits=bits, costs=False))
    assert images is not None
    rows = run_numerics(run, lower_run(run), images).against_float
    cosines = {row.tensor: row.cosine for row in rows if row.tensor.endswith("/weight_grad")}
    assert len(cosines) == 5
    assert min(cosines.values()) >= FLOORS[bits], cosines


def test_uneven_and_repeated_windows__agree_with_float() -> None:
    """SmallConv-L's linear block pools 1024 features to 2048; 30 pixels pool unevenly to 4."""
    run, images = resolve_run(
        RunChoices(net="smallconv_l", rule="lls_m", bits="16", input="3x30x26", batch=4, costs=False)
    )
    assert images is not None
    rows = {row.tensor: row for row in run_numerics(run, lower_run(run), images).against_float}
    for layer in ("conv1", "conv2", "conv3", "linear4"):
        assert rows[f"{layer}/latent"].cosine > 0.99999
        assert rows[f"{layer}/latent"].sqnr_db > 60
        assert rows[f"{layer}/latent_grad"].sqnr_db > 50
        assert rows[f"{layer}/weight_grad"].cosine > 0.999
