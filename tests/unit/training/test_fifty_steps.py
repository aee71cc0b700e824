"""Learning is the same learning: fifty steps on one batch, integers beside float."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests.unit.training.helpers import first_batch, small_run

STEPS = 50


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The experiment that docs/training.md reports is the code under test here."""
    path = Path(__file__).parents[3] / "scripts/experiments/fifty_steps.py"
    spec = importlib.util.spec_from_file_location("fifty_steps", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def one_thread():
    """Tiny matrices on two threads mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


MISSED = "8-bit activations: linear3 ends 13.3 % above float, with a16 3.3 % (docs/training.md)"


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.xfail(reason=MISSED)), 2, 3])
def test_fifty_steps__eight_bit_losses_end_and_fall_as_float_does(script: ModuleType, seed: int) -> None:
    """Learning rate 0.01 keeps every loss well above zero, where a ratio of losses means something."""
    run, images = small_run("lls_m", batch_size=32, bits="8", learning_rate=0.01, seed=seed)
    reals, labels = first_batch(run, images)
    ours = script.integer_losses(run, reals, labels, STEPS)
    theirs = script.float_losses(run, reals, labels, STEPS)
    assert set(ours[0]) == set(theirs[0]) == {"conv1", "conv2", "linear3", "classifier"}
    for name in theirs[0]:
        near, falls = script.verdict(ours, theirs, name)
        ends = f"{name}: {theirs[0][name]:.4f} -> float {theirs[-1][name]:.4f}, integers {ours[-1][name]:.4f}"
        assert near, f"not within 10 %: {ends}"
        assert falls, f"falls less than half as far: {ends}"
