"""Optimisers of the float reference by name; schedulefree is imported only when asked for."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.rule import OptimizerSpec

ADAM_EPS = 1e-8
"""PyTorch's default."""


def make_optimizer(
    spec: OptimizerSpec, parameters: Iterable[Tensor], *, warmup_steps: int = 0
) -> torch.optim.Optimizer:
    """The optimiser a description names, over the given tensors.

    sgd: w <- w - lr g. momentum: v <- mu v + g, w <- w - lr v (PyTorch's SGD). adam: Kingma and Ba
    2015 with PyTorch's defaults. schedulefree_adamw, schedulefree_sgd: Defazio et al. 2024, from
    the `schedulefree` package (beta1, or its momentum, is the description's momentum).

    Raises
    ------
    SpecError : the schedulefree package is needed and missing.
    """
    given, rate = list(parameters), spec.learning_rate
    if spec.name == "adam":
        return torch.optim.Adam(given, lr=rate)
    if spec.name in {"sgd", "momentum"}:
        return torch.optim.SGD(given, lr=rate, momentum=spec.momentum if spec.uses_momentum else 0.0)
    try:
        import schedulefree
    except ImportError:
        raise SpecError(
            "--optimizer", spec.name, "the package schedulefree is not installed", "Run pip install schedulefree."
        ) from None
    optimizer: torch.optim.Optimizer
    if spec.name == "schedulefree_adamw":
        betas = (spec.momentum, 0.999)
        optimizer = schedulefree.AdamWScheduleFree(given, lr=rate, betas=betas, warmup_steps=warmup_steps)
    else:
        optimizer = schedulefree.SGDScheduleFree(given, lr=rate, momentum=spec.momentum, warmup_steps=warmup_steps)
    return optimizer


def set_mode(optimizer: torch.optim.Optimizer, *, training: bool) -> None:
    """Swap a schedule-free optimiser between its training and its averaged weights; others ignore it."""
    switch = getattr(optimizer, "train" if training else "eval", None)
    if switch is not None:
        switch()


def momentum_step(
    spec: OptimizerSpec, values: Mapping[str, Tensor], gradients: Mapping[str, Tensor], momenta: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """One explicit update: v <- mu v + g, w <- w - lr v; new (values, momenta) by name.

    A missing momentum counts as zero. Plain SGD keeps none. Of Adam this is the first step, lr g / (|g| + eps),
    before which there are no moments.

    Raises
    ------
    SpecError : the optimiser is none of sgd, momentum and adam, or Adam is given momenta.
    """
    if spec.adapts and not momenta:
        moved = {
            name: values[name] - spec.learning_rate * grad / (grad.abs() + ADAM_EPS) for name, grad in gradients.items()
        }
        return moved, {}
    if spec.name not in {"sgd", "momentum"}:
        need = "one explicit step is defined for sgd and momentum, and Adam's first"
        raise SpecError("--optimizer", spec.name, need, "Use one of them.")
    velocity = {
        name: momenta[name] * spec.momentum + grad if spec.uses_momentum and name in momenta else grad
        for name, grad in gradients.items()
    }
    moved = {name: values[name] - spec.learning_rate * velocity[name] for name in gradients}
    return moved, velocity if spec.uses_momentum else {}
