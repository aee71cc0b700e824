"""The short choices of a point, for people and tables, spelt in one way."""

from pathlib import Path

from lls_hw.config import RunSpec
from lls_hw.models.spec.precision import LIMITS_BITS, Precision, parse_bits
from lls_hw.sweep.identity import costed_rule, learnt_rule
from lls_hw.sweep.points import Label
from lls_hw.training.plan import TrainPlan


def design_label(run: RunSpec, chip: str) -> Label:
    """The columns that both costs and training depend on."""
    array, capacity = run.chip.array, run.chip.scratchpad.capacity_bytes
    return {
        "net": run.network.name,
        "rule": run.rule.name,
        "chip": Path(chip).stem if chip.endswith(".toml") else chip,
        "array": f"{array.rows}x{array.cols}",
        "dataflow": array.dataflow,
        "bits": short_bits(run.precision),
        "sram_kib": capacity // 1024 if capacity % 1024 == 0 else capacity / 1024,
        "batch": run.batch,
        "technology": run.technology,
        "objective": run.objective,
        "schedule": run.schedule,
        "optimizer": run.optimizer.name,
        "waveform": costed_rule(run.rule)["waveform"],
        "baseline": run.baseline,
        "input": "x".join(str(side) for side in run.network.input),
        "classes": run.network.classes,
    }


def learning_label(run: RunSpec, plan: TrainPlan | None, *, learns: bool) -> Label:
    """The columns that only training depends on; none where only costs are asked."""
    budget = {"epochs": plan.epochs, "limit": plan.limit} if plan else {}
    seen = {
        "seed": run.seed,
        "data": run.data,
        "learning_rate": run.optimizer.learning_rate,
        "momentum": run.optimizer.momentum if run.optimizer.uses_momentum else None,
        "temperature": learnt_rule(run.rule)["temperature"],
    }
    return (seen if learns else {}) | budget


def short_bits(precision: Precision) -> str:
    """The shortest `--bits` text of a precision.

    Examples
    --------
    >>> short_bits(parse_bits("w4,a4,e4")), short_bits(parse_bits("w4,a8"))
    ('4', 'w4,a8,e8,m16,acc32')
    """
    bits = precision.weight_bits
    _, least, most = LIMITS_BITS["w"]
    same = least <= bits <= most and parse_bits(str(bits)).label() == precision.label()
    return str(bits) if same else precision.label()
