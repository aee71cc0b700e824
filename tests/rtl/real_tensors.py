"""Operands that one real training step makes: vww_cnn, lls_m, on photographs, in the functional engine's integers.

Where the photographs are absent the engine's synthetic images take their place.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

IMAGES = Path(__file__).resolve().parents[3] / "shared" / "data" / "vww_sample"
LAYERS = ("conv1", "block3.pw", "block8.pw")
MOST_M, MOST_K, MOST_N = 16, 40, 12  # a piece of each product


@lru_cache(maxsize=1)
def vww_products():
    """{"layer/direction": (a, b)} of codes as lists; products larger than the limits are cut to their middle."""
    from lls_hw.config import resolve_run
    from lls_hw.models.data import batch, normalise
    from lls_hw.models.program.lower import lower
    from lls_hw.models.reference.initial import initial_parameters
    from lls_hw.options.run import RunChoices
    from lls_hw.sim.functional.engine import FunctionalEngine
    from lls_hw.sim.functional.state import initial_values, input_codes

    data = f"vww:{IMAGES}" if IMAGES.is_dir() else "synthetic"
    run, images = resolve_run(
        RunChoices(net="vww_cnn", rule="lls_m", data=data, input="3x32x32", batch=4, costs=False, baseline="none")
    )
    program = lower(run.network, run.rule, run.precision, optimizer=run.optimizer, batch=run.batch)
    engine = FunctionalEngine(
        program, initial_values(program, initial_parameters(run.network, run.rule, run.seed)), run.chip
    )
    pictures, labels = batch(images, run.batch, run.seed, 0)
    x = input_codes(normalise(pictures, images.mean, images.std), run.precision.activation_bits)
    products = {}

    def keep(record):
        op = program.ops[record.index]
        if op.kind == "Gemm" and op.layer in LAYERS:
            a, b = (engine.machine.values[name].codes for name in op.factors)
            products[f"{op.layer}/{op.direction}"] = piece(*matrices(op, a, b))

    engine.step(x, labels, keep)
    return products


def matrices(op, a, b):
    """The two matrices an op multiplies."""
    s = op.shape
    if op.direction == "input_grad":
        return a.reshape(-1, s.out_c), b.reshape(s.fan_in, s.out_c).T
    p = s.padding
    x = np.pad(a.reshape(op.batch, s.in_h, s.in_w, s.in_c), ((0, 0), (p, p), (p, p), (0, 0)))
    taps = [
        x[:, r : r + s.stride * (s.out_h - 1) + 1 : s.stride, c : c + s.stride * (s.out_w - 1) + 1 : s.stride]
        for r in range(s.kernel_h)
        for c in range(s.kernel_w)
    ]
    rows = np.concatenate(taps, -1).reshape(-1, s.fan_in)
    return (rows, b.reshape(s.fan_in, s.out_c)) if op.direction == "forward" else (rows.T, b.reshape(-1, s.out_c))


def piece(a, b):
    """The middle of a product, within the limits."""
    (m, k), n = a.shape, b.shape[1]
    rows, inner, cols = (slice(max(0, size - most) // 2, max(0, size - most) // 2 + most)
               for size, most in ((m, MOST_M), (k, MOST_K), (n, MOST_N)))  # fmt: skip
    return a[rows, inner].tolist(), b[inner, cols].tolist()
