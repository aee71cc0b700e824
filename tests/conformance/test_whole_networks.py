"""vww_cnn and vgg8 take training steps at 8 bits, and every code that did not fit is in the report.

The count is repeated from outside: each narrowing of a map runs once more into words so wide that nothing can
leave them, and the codes beyond the narrow word's ends are counted there.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from lls_hw.config import resolve_run
from lls_hw.fidelity.counts import losses
from lls_hw.models.data import batch, normalise
from lls_hw.models.program.lower import lower
from lls_hw.models.reference.initial import initial_parameters
from lls_hw.options.run import RunChoices
from lls_hw.sim.functional import machine as machine_module
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.machine import Peak
from lls_hw.sim.functional.state import initial_values, input_codes
from lls_hw.sim.kernels import norm_maps as kernel_norm_maps
from lls_hw.sim.kernels.requant import requantise

MAPS = ("Gemm", "DepthwiseConv", "BatchNorm", "BatchNormBackward", "Pool", "PoolBackward")
WIDE_BITS = 62


@dataclass
class Recount:
    """Codes outside their words, counted beside the engine since the last call of `take`."""

    outside: int = 0

    def add(self, codes: np.ndarray, bits: int) -> None:
        top = 1 << (bits - 1)
        self.outside += int(((codes < -top) | (codes >= top)).sum())

    def take(self) -> int:
        found, self.outside = self.outside, 0
        return found


@pytest.fixture
def recount(monkeypatch):
    counter = Recount()

    def again(acc, shift, bits, how):
        counter.add(requantise(acc, shift, WIDE_BITS, how)[0], bits)
        return requantise(acc, shift, bits, how)

    def forward(y, stats, *rest):
        curve, cut, first, last, out = rest
        wide = np.zeros(out.shape, np.int64)
        original_forward(y, stats, curve, cut._replace(bits=WIDE_BITS), first, last, wide)
        counter.add(wide[first:last], cut.bits)
        return original_forward(y, stats, *rest)

    def backward(delta, y, *rest):
        *form, cut, first, last, store, out = rest
        if store:
            wide = np.zeros(out.shape, np.int64)
            original_backward(delta, y, *form, cut._replace(bits=WIDE_BITS), first, last, store, wide)
            counter.add(wide[first:last], cut.bits)
        return original_backward(delta, y, *rest)

    original_forward, original_backward = kernel_norm_maps.forward_narrow, kernel_norm_maps.backward_narrow
    monkeypatch.setenv("LLS_HW_THREADS", "1")  # the counter is shared
    monkeypatch.setattr(machine_module, "requantise", again)
    monkeypatch.setattr(kernel_norm_maps, "forward_narrow", forward)
    monkeypatch.setattr(kernel_norm_maps, "backward_narrow", backward)
    return counter


@pytest.mark.parametrize(("net", "shape", "size"), [("vww_cnn", "3x128x128", 2), ("vgg8", "3x32x32", 4)])
@pytest.mark.parametrize("rule", ["lls_m", "bp"])
def test_step__reports_every_code_that_did_not_fit(net, shape, size, rule, recount):
    run, images = resolve_run(RunChoices(net=net, rule=rule, input=shape, batch=size, costs=False))
    program = lower(run.network, run.rule, run.precision, optimizer=run.optimizer, batch=size)
    engine = FunctionalEngine(program, initial_values(program, initial_parameters(run.network, run.rule, 0)), run.chip)
    reported = 0

    def check(record):
        nonlocal reported
        found, op = recount.take(), program.ops[record.index]
        if op.kind in MAPS:
            assert record.saturated == found, f"{op.kind} of {op.layer}"
            reported += record.saturated
        assert record.tally.overflows == 0

    for step in range(3):
        if step == 2:  # scales left two bits behind, so that some codes certainly do not fit
            scales = engine.machine.scales
            scales.seen = {name: Peak(1 + (peak.code >> 2), peak.frac) for name, peak in scales.seen.items()}
        pictures, labels = batch(images, size, 0, step)
        x = normalise(pictures, images.mean, images.std)
        records = engine.step(input_codes(x, run.precision.activation_bits), labels, check)
        found = losses(records, engine)
        assert "classifier" in found
        assert np.isfinite(list(found.values())).all()
    assert reported > 100
