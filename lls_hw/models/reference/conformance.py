"""Run one golden case in float64 and measure how far every stored array is from ours."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lls_hw.models.program.names import tensor_name
from lls_hw.models.reference.basis import square_basis
from lls_hw.models.reference.golden import Arrays, GoldenEntry, layers_of, optimizer_of, rule_of
from lls_hw.models.reference.golden_names import our_names
from lls_hw.models.reference.initial import latent_length
from lls_hw.models.reference.network import Reference, Tape
from lls_hw.models.reference.optimizers import make_optimizer
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.rule import RuleSpec

RELATIVE, ABSOLUTE, NEGLIGIBLE = 1e-6, 1e-9, 1e-9

Values = npt.NDArray[np.float64]
Results = dict[str, Values]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Comparison of one case.

    worst : largest of max|a - b| / max|b| over arrays with max|b| >= 1e-9; `array` is its name.
    passed : whether every array satisfies max|a - b| <= 1e-6 max|b| + 1e-9.
    """

    worst: float
    array: str
    arrays: int
    passed: bool


def judge(entry: GoldenEntry, arrays: Arrays) -> Verdict:
    """Run a case and compare every array of its file that is a result."""
    ours = run_case(entry, arrays)
    worst, where, passed, count = 0.0, "-", True, 0
    for key in sorted(arrays):
        if key in {"x", "labels"} or key.startswith(("before/", "basis")) or key.endswith("fixed_fb_bias"):
            continue
        if key not in ours:
            raise SpecError("golden", key, "the reference computes no such array", "Check the file.")
        stored = arrays[key].astype(np.float64)
        mine = ours[key].reshape(stored.shape)
        size = float(np.abs(stored).max(initial=0.0))
        gap = float(np.abs(mine - stored).max(initial=0.0))
        passed, count = passed and gap <= RELATIVE * size + ABSOLUTE, count + 1
        if size >= NEGLIGIBLE and not gap / size <= worst:
            worst, where = gap / size, key
    return Verdict(worst=worst, array=where, arrays=count, passed=passed)


def run_case(entry: GoldenEntry, arrays: Arrays) -> Results:
    """All results of a case under the golden's own array names, float64."""
    layers, rule = layers_of(entry, arrays), rule_of(entry)
    keys = [key.removeprefix("before/") for key in arrays if key.startswith("before/")]
    names = our_names(keys, layers, rule)
    reference = Reference(layers=layers, rule=rule, parameters=_parameters(arrays, names, rule), bases={})
    reference.bases = _bases(entry, arrays, reference)
    if "network" in entry:
        return _run_network(entry, arrays, reference, names)
    return _run_layer(entry, arrays, reference, names)


def _parameters(arrays: Arrays, names: dict[str, str], rule: RuleSpec) -> dict[str, Tensor]:
    """Leaf tensors in PyTorch layout by our names."""
    record = find_rule(rule.name)
    return {
        name: torch.from_numpy(_turned(key, arrays[f"before/{key}"].astype(np.float64))).requires_grad_(
            record.trains(name)
        )
        for key, name in names.items()
    }


def _turned(key: str, value: Values) -> Values:
    """Our modulation from the stored one of a random variant, or back; anything else as it is.

    The random variants hold their modulation as `modulation`, a factor of the projection's left
    side: a column (rows, 1), or a matrix that is the transpose of ours (golden case MxM_Random).
    """
    if not key.endswith("modulation"):
        return value
    return np.ascontiguousarray(value.T) if 1 not in value.shape else value.reshape(-1)


def _bases(entry: GoldenEntry, arrays: Arrays, reference: Reference) -> dict[str, Tensor]:
    """Stored bases in block order; where none is stored, the single-precision one as published."""
    rule, bases = reference.rule, dict[str, Tensor]()
    latent = find_rule(rule.name).latent
    if latent is None or latent.vectors != "periodic":
        return bases
    local = [layer for layer in reference.layers if isinstance(layer, WeightedLayer) and layer.local is not None]
    for index, layer in enumerate(local):
        stored = arrays.get("basis", arrays.get(f"basis/{index}"))
        if stored is None:
            state = reference.state(layer)
            classes = int(entry.get("classes", 10))
            rows = state["modulation"].shape[0] if "modulation" in state else latent.rows(rule, classes)
            stored = square_basis(rows, latent_length(layer), waveform=rule.waveform, dtype="float32")
        bases[layer.name] = torch.from_numpy(stored.astype(np.float64))
    return bases


def _run_layer(entry: GoldenEntry, arrays: Arrays, reference: Reference, names: dict[str, str]) -> Results:
    """One step of a single block."""
    last = reference.layers[-1].name
    tape = _step(entry, reference, arrays["x"], arrays["labels"])
    results = dict(_after(reference, names))
    results["output"] = tape.tensors[tensor_name(last, "h")].detach().numpy()
    results["logits_over_temperature"] = tape.tensors[tensor_name(last, "signal_logits")].detach().numpy()
    results["loss"] = tape.losses[last].detach().numpy()
    for key, name in names.items():
        grad = reference.parameters[name].grad
        if grad is not None:
            results[f"grad/{key}"] = _turned(key, grad.numpy())
    for key in (key for key in arrays if key.startswith("buffer_after/")):
        results[key] = _buffer(reference, key.removeprefix("buffer_after/"))
    return results


def _run_network(entry: GoldenEntry, arrays: Arrays, reference: Reference, names: dict[str, str]) -> Results:
    """The steps of a whole network, one batch each."""
    outputs, losses = [], []
    optimizer = make_optimizer(optimizer_of(entry), reference.trained().values())
    for x, labels in zip(arrays["x"], arrays["labels"], strict=True):
        tape = _step(entry, reference, x, labels, optimizer)
        outputs.append(tape.logits.detach().numpy())
        losses.append(tape.losses["classifier"].detach().numpy())
    return {**dict(_after(reference, names)), "output": np.stack(outputs), "loss": np.stack(losses)}


def _step(
    entry: GoldenEntry,
    reference: Reference,
    x: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    optimizer: torch.optim.Optimizer | None = None,
) -> Tape:
    """Forward, gradient of the rule's objective, update."""
    optimizer = optimizer or make_optimizer(optimizer_of(entry), reference.trained().values())
    optimizer.zero_grad()
    tape = reference.learn(torch.from_numpy(x.astype(np.float64)), torch.from_numpy(labels.astype(np.int64)))
    if tape.objective is None:
        raise AssertionError("a step without an objective")
    tape.objective.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return tape


def _after(reference: Reference, names: dict[str, str]) -> Iterator[tuple[str, Values]]:
    """Parameters after the update under their golden names."""
    for key, name in names.items():
        yield f"after/{key}", _turned(key, reference.parameters[name].detach().numpy())


def _buffer(reference: Reference, key: str) -> Values:
    """A running statistic of BatchNorm by its golden name; one batch has been tracked."""
    if key.endswith("num_batches_tracked"):
        return np.asarray(1.0)
    name = our_names([key], reference.layers, reference.rule)[key]
    return reference.buffers[name].numpy()
