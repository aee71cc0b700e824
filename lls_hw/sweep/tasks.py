"""The work of a worker: one task in, plain data out. Never raises but for the worker's own death."""

import time
from dataclasses import replace
from functools import lru_cache
from typing import Any

from lls_hw.config import lower_run
from lls_hw.files import UnwritableError
from lls_hw.models.data import Images, load_data
from lls_hw.models.spec.errors import SpecError, in_one_line
from lls_hw.sim.array.order import addition_order
from lls_hw.sweep.cost_task import point_costs
from lls_hw.sweep.identity import MODEL_VERSION, data_digest
from lls_hw.sweep.points import Outcome, Task
from lls_hw.training.plan import TrainPlan


def evaluate(task: Task) -> Outcome:
    """One task, wherever it runs; what it cannot do is recorded, not raised."""
    began = time.perf_counter()
    outcome: Outcome = {"id": task.id, "kind": task.kind, "status": "done", "error": None, "result": None}
    try:
        outcome["result"] = {"cost": _cost, "train": _train, "proxy": _proxy}[task.kind](task)
    except UnwritableError as error:  # the place's fault, not the point's: nothing is stored
        outcome |= {"status": "unwritable", "error": str(error)}
    except SpecError as error:
        outcome |= {"status": "failed", "error": str(error)}
    except Exception as error:  # a point that breaks must not take the sweep with it
        outcome |= {"status": "failed", "error": in_one_line(error)}
    return {**outcome, "seconds": time.perf_counter() - began, "model_version": MODEL_VERSION}


def evaluate_all(tasks: list[Task]) -> list[Outcome]:
    """Several tasks in one go, where a single one would not pay for its dispatch."""
    return [evaluate(task) for task in tasks]


def _cost(task: Task) -> dict[str, Any]:
    return point_costs(task.run, task.technology)


def _train(task: Task) -> dict[str, Any]:
    """A curve in integers, and whether the array can have changed a bit of it."""
    from lls_hw.training.result import TrainReport
    from lls_hw.training.trainer import limited, train

    run, plan, images = task.run, _plan(task), _images(task)
    outcome = train(run, lower_run(run), limited(run, images, plan), plan)
    report = TrainReport(
        run=run, plan=plan, outcome=outcome, float_curve=None, float_images_per_s=0.0, per_image=None, stopped=False
    )
    left_out = ("inputs", "energy_uj_per_image", "cycles_per_image", "stopped")
    data = {name: value for name, value in report.json().items() if name not in left_out}
    guarded = sum(row["guarded"] for row in outcome.curve)
    return {**data, "addition_order": addition_order(run.chip), "array_independent": guarded == 0}


def _plan(task: Task) -> TrainPlan:
    assert task.learning is not None, "what learns has data"
    assert task.learning.plan is not None, "a training has a plan"
    return replace(task.learning.plan, checkpoint=task.checkpoint)


def _proxy(task: Task) -> dict[str, Any]:
    """Mean cosine between integer and float weight gradients of one step: not an accuracy, but it costs a second."""
    from lls_hw.fidelity.validate import validate
    from lls_hw.models.program.names import is_weight_gradient

    found = validate(task.run, _images(task), with_hint=False)
    cosines = [check.cosine for check in found.checks if is_weight_gradient(check.tensor)]
    return {
        "accuracy_proxy": sum(cosines) / len(cosines),
        "addition_order": addition_order(task.run.chip),
        "array_independent": found.guarded == 0,
    }


def _images(task: Task) -> Images:
    """The task's pictures; refused where this machine's are not the ones that the sweep was named after."""
    run = task.run
    assert task.learning is not None, "what learns has data"
    for _ in range(2):  # what was read for an earlier sweep may have changed since
        images = _load(run.data, run.network.input, run.network.classes, run.seed)
        if data_digest(run.data, images) == task.learning.data:
            return images
        _load.cache_clear()
    need = "the pictures here are not those of the machine that started the sweep"
    raise SpecError("--data", run.data, need, "Give every worker the same files.")


@lru_cache(maxsize=2)
def _load(spec: str, shape: tuple[int, int, int], classes: int, seed: int) -> Images:
    return load_data(spec, shape=shape, classes=classes, seed=seed)
