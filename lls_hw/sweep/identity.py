"""The identity of a point: the hash of everything that can change its numbers, and of nothing else.

Names, spellings, paths, threads, and the order of a grid are left out: two spellings of one run are one
point. A cost-only point also leaves out what only training sees (seed, data, temperature, learning rate).
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from lls_hw.config import RunSpec
from lls_hw.models.data import Images, Pictures
from lls_hw.models.registry import dram_device
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.training.identity import ROUNDING_VERSION
from lls_hw.training.plan import TrainPlan

MODEL_VERSION = 3
"""Raised when a decision about costs or rounding changes a simulated number: stored points are then others."""

Inputs = Mapping[str, Any]


def canonical(inputs: Inputs) -> str:
    """One text for one meaning: sorted keys, no spaces, no NaN.

    Examples
    --------
    >>> canonical({"b": 1, "a": [2.0, None]})
    '{"a":[2.0,null],"b":1}'
    """
    return json.dumps(inputs, sort_keys=True, separators=(",", ":"), allow_nan=False)


def run_id(inputs: Inputs) -> str:
    """First 16 hex digits of SHA-256 over the canonical text.

    Examples
    --------
    >>> run_id({"array": [16, 16], "batch": 8})
    'f3332a1cfd804539'
    >>> run_id({"batch": 8, "array": [16, 16]}) == run_id({"array": [16, 16], "batch": 8})
    True
    """
    return hashlib.sha256(canonical(inputs).encode()).hexdigest()[:16]


def unnamed(spec: Spec, *more: str) -> dict[str, Any]:
    """A description without its name (and what else is said twice)."""
    return spec.model_dump(mode="json", exclude={"name", *more})


def technology_digest(technology: TechnologySpec) -> str:
    """The table's content: a user's file may change under its name."""
    return run_id(unnamed(technology))


def costed_rule(rule: RuleSpec) -> dict[str, Any]:
    """The fields of a rule that decide its costs.

    Examples
    --------
    >>> costed_rule(RuleSpec(name="lls", temperature=2.0)) == costed_rule(RuleSpec(name="lls"))
    True
    """
    record = find_rule(rule.name)
    return {
        "name": rule.name,
        "version": record.version,
        "waveform": rule.waveform if "waveform" in record.constants else None,
        "rows": rule.reduced_rows if "reduced_rows" in record.constants else None,
    }


def costed_optimizer(optimizer: OptimizerSpec) -> dict[str, Any]:
    """The fields of an optimiser that decide a step's costs: its buffers, not its rates."""
    return {"name": optimizer.name, "momentum": optimizer.uses_momentum}


def cost_inputs(run: RunSpec, technology: str) -> dict[str, Any]:
    """Everything that decides a point's costs; `technology` is its digest."""
    return {
        "model_version": MODEL_VERSION,
        "network": unnamed(run.network, "reduced_rows"),
        "rule": costed_rule(run.rule),
        "optimizer": costed_optimizer(run.optimizer),
        "precision": run.precision.model_dump(mode="json"),
        "chip": unnamed(run.chip, "technology", "memory") | {"memory": [unnamed(level) for level in run.chip.memory]},
        "technology": technology,
        "dram": None if (device := dram_device(run.chip)) is None else unnamed(device),
        "objective": run.objective,
        "schedule": run.schedule,
        "batch": run.batch,
        "baseline": run.baseline,
        "learning": None,
    }


def learnt_rule(rule: RuleSpec) -> dict[str, Any]:
    """The fields of a rule that decide its curve: a temperature only where a local loss is divided by it.

    Examples
    --------
    >>> learnt_rule(RuleSpec(name="bp", temperature=2.0)) == learnt_rule(RuleSpec(name="bp"))
    True
    """
    divides = "temperature" in find_rule(rule.name).constants
    return {**costed_rule(rule), "temperature": rule.temperature if divides else None}


def learnt_optimizer(optimizer: OptimizerSpec) -> dict[str, Any]:
    """Every rate that its updates use."""
    return optimizer.model_dump(mode="json", exclude=None if optimizer.uses_momentum else {"momentum"})


def learning_inputs(run: RunSpec, plan: TrainPlan | None, data: str, order: Inputs | None = None) -> dict[str, Any]:
    """Everything that decides a training's curve, or (no plan) one step held against float.

    Of the chip that is the phase accumulator of its basis generator; and, where some product's accumulator
    could overflow, `order`, the order of its additions: only then does that change a bit.
    """
    return {
        "model_version": MODEL_VERSION,
        "rounding_version": ROUNDING_VERSION,
        "network": unnamed(run.network, "reduced_rows"),
        "rule": learnt_rule(run.rule),
        "optimizer": learnt_optimizer(run.optimizer),
        "precision": run.precision.model_dump(mode="json"),
        "phase_bits": run.chip.local.phase_bits,
        "batch": run.batch,
        "seed": run.seed,
        "data": data,
        "plan": None if plan is None else plan.json(),
        "order": order,
    }


def data_digest(spec: str, images: Images) -> str:
    """A data set's content: every picture that lies in memory, and of pictures made one by one their labels and eight.

    Those are told apart by the text that names them as well.
    """
    parts = [images.train_labels, images.test_labels, *map(_pixels, (images.train_images, images.test_images))]
    sums = [zlib.crc32(np.ascontiguousarray(part).data) for part in parts]
    made = not isinstance(images.train_images, np.ndarray)
    shape = [*images.shape, images.classes, len(images.train_labels), len(images.test_labels)]
    return run_id({"sums": sums, "shape": shape, "mean": images.mean, "std": images.std, "spec": spec if made else ""})


def _pixels(pictures: Pictures) -> Any:  # noqa: ANN401  (bytes of whatever shape)
    return pictures if isinstance(pictures, np.ndarray) else pictures[np.arange(min(8, len(pictures)))]
