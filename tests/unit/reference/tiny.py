"""Tiny networks that hold every kind of layer."""

import numpy as np

from lls_hw.models.spec.network import NetworkSpec

LOCAL_RULES = (
    "lls", "lls_m", "lls_mxm", "lls_mxm_reduced", "lls_random", "lls_m_random", "lls_mxm_random",
    "local_losses", "dfa", "drtp",
)  # fmt: skip
RULES = ("bp", *LOCAL_RULES)


def tiny_network(local_loss: str = "block") -> NetworkSpec:
    """conv, max pool, strided separable, uneven average, linear; asymmetric maps."""
    layers = [
        {"kind": "conv", "name": "a", "out_channels": 4, "kernel": 3, "stride": 1, "padding": 1, "pool": 2},
        {"kind": "max_pool", "size": 2},
        {
            "kind": "separable", "name": "b", "out_channels": 5, "kernel": 3, "stride": 2, "padding": 1, "pool": 2,
            "local_loss": local_loss,
        },
        {"kind": "adaptive_avg_pool", "size": 2},
        {"kind": "linear", "name": "c", "out_features": 7, "pool": 4},
    ]  # fmt: skip
    data = {"name": "tiny", "input": (2, 10, 7), "classes": 3, "reduced_rows": 2, "layers": layers}
    return NetworkSpec.from_mapping(data, "tiny")


def tiny_batch(network: NetworkSpec, batch: int = 6, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Random images (N, H, W, C) and labels."""
    channels, height, width = network.input
    rng = np.random.default_rng(seed)
    return rng.standard_normal((batch, height, width, channels)), rng.integers(0, network.classes, batch)


def lively_parameters(network, rule, seed=0):
    """Initial parameters moved off their symmetric values, float64."""
    from lls_hw.models.reference.initial import initial_parameters

    rng = np.random.default_rng(seed + 1)
    values = initial_parameters(network, rule, seed)
    scale = {"gamma": 0.2, "beta": 0.2, "modulation": 1.0, "local_bias": 0.3, "feedback": 1.0}
    return {
        name: value.astype(np.float64) + scale.get(name.rpartition("/")[2], 0.0) * rng.standard_normal(value.shape)
        for name, value in values.items()
    }
