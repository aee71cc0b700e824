"""A small network and a small run that every training test shares."""

from typing import Any

import numpy as np

from lls_hw.config import RunSpec, resolve_run
from lls_hw.models.data import Images, batch, normalise
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.options.run import RunChoices

SMALL: dict[str, Any] = {
    "name": "small",
    "input": [1, 12, 12],
    "classes": 4,
    "layers": [
        {"kind": "conv", "name": "conv1", "out_channels": 8, "kernel": 3, "stride": 1, "padding": 1, "pool": 4},
        {"kind": "max_pool", "size": 2},
        {"kind": "conv", "name": "conv2", "out_channels": 16, "kernel": 3, "stride": 1, "padding": 1, "pool": 2},
        {"kind": "adaptive_avg_pool", "size": 2},
        {"kind": "linear", "name": "linear3", "out_features": 32, "pool": 32},
    ],
}

SMALL_TOML = """
name = "small"
input = [1, 12, 12]
classes = 4
[[layers]]
kind = "conv"
name = "conv1"
out_channels = 8
kernel = 3
stride = 1
padding = 1
pool = 4
[[layers]]
kind = "max_pool"
size = 2
[[layers]]
kind = "linear"
name = "linear2"
out_features = 16
pool = 16
"""


def small_run(rule: str = "lls_m", *, batch_size: int = 16, bits: str = "8", **choices: Any) -> tuple[RunSpec, Images]:
    """A run of the small network on synthetic images of its shape."""
    from lls_hw.models.data import load_data

    network = NetworkSpec.from_mapping(SMALL, "small")
    run, _ = resolve_run(
        RunChoices(
            net="smallconv", rule=rule, batch=batch_size, bits=bits, data="synthetic:320", baseline="none",
            numerics=False, costs=False, **choices,
        )
    )  # fmt: skip
    run = run.model_copy(update={"network": network})
    images = load_data("synthetic:320", shape=network.input, classes=network.classes, seed=run.seed)
    return run, images


def first_batch(run: RunSpec, images: Images) -> tuple[Any, Any]:
    """Real pictures and labels of step 0."""
    pictures, labels = batch(images, run.batch, run.seed, 0)
    return np.asarray(normalise(pictures, images.mean, images.std)), labels
