"""Inference in integers answers as the float network with the same statistics does."""

import numpy as np
import pytest
import torch

from lls_hw.models.data import normalise
from lls_hw.models.program.lower import lower
from lls_hw.models.reference.build import build_reference, image_tensor
from lls_hw.models.reference.initial import initial_parameters
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.inference import Inference, accuracy
from lls_hw.sim.functional.readback import real
from lls_hw.sim.functional.state import initial_values, input_codes
from lls_hw.sim.kernels.inference import running_constants
from tests.unit.training.helpers import first_batch, small_run


def trained(bits: str, steps: int = 30):
    run, images = small_run("lls_m", batch_size=32, bits=bits)
    program = lower(run.network, run.rule, run.precision, optimizer=run.optimizer, batch=run.batch)
    values = initial_values(program, initial_parameters(run.network, run.rule, run.seed))
    engine = FunctionalEngine(program, values, run.chip, seed=run.seed)
    reals, labels = first_batch(run, images)
    x = input_codes(reals, run.precision.activation_bits)
    for _ in range(steps):
        engine.step(x, labels)
    return run, images, engine


def float_logits(run, engine, x):
    values = engine.machine.values
    shapes = initial_parameters(run.network, run.rule, run.seed)
    reference = build_reference(run.network, run.rule, {n: real(values[n]) for n in shapes}, dtype="float64")
    for layer in ("conv1", "conv2", "linear3"):
        mean, variance = real(values[f"{layer}/running"])
        for short, value in (("running_mean", mean), ("running_var", variance)):
            reference.buffers[f"{layer}/{short}"] = torch.from_numpy(np.array(value))
    with torch.no_grad():
        return reference.forward(image_tensor(run.network, real(x), torch.float64), training=False).logits.numpy()


@pytest.mark.parametrize(("bits", "least"), [("8", 0.995), ("16", 0.99999)])
def test_inference__logits_match_float_with_running_statistics(bits: str, least: float) -> None:
    run, images, engine = trained(bits)
    x = input_codes(normalise(images.test_images[:64], images.mean, images.std), run.precision.activation_bits)
    inference = Inference(run.network, run.precision, run.chip, engine.machine.values)
    ours, theirs = real(inference.logits(x)), float_logits(run, engine, x)
    cosine = float((ours * theirs).sum() / np.linalg.norm(ours) / np.linalg.norm(theirs))
    assert cosine > least
    agreement = float((ours.argmax(1) == theirs.argmax(1)).mean())
    assert agreement > 0.9, "answers differ only where two logits are nearly equal"
    assert inference.overflows == 0


def test_inference__is_integers_and_changes_no_trained_value() -> None:
    run, images, engine = trained("8", steps=3)
    before = {name: (value.codes.copy(), value.frac) for name, value in engine.machine.values.items()}
    x = input_codes(normalise(images.test_images[:16], images.mean, images.std), run.precision.activation_bits)
    logits = Inference(run.network, run.precision, run.chip, engine.machine.values).logits(x)
    assert np.issubdtype(logits.codes.dtype, np.integer)
    for name, (codes, frac) in before.items():
        np.testing.assert_array_equal(engine.machine.values[name].codes, codes)
        assert engine.machine.values[name].frac == frac


def test_accuracy__counts_the_last_smaller_batch_too() -> None:
    run, images, engine = trained("8", steps=3)
    inference = Inference(run.network, run.precision, run.chip, engine.machine.values)
    seen: list[int] = []
    pictures, labels = images.test_images[:50], images.test_labels[:50]
    found = accuracy(inference, pictures, labels, mean=images.mean, std=images.std, batch=16, between=seen.append)
    assert seen == [16, 32, 48, 50]
    assert found * 50 / 100 == pytest.approx(round(found * 50 / 100))


def test_running_constants__match_real_arithmetic() -> None:
    rng = np.random.default_rng(3)
    channels, frac, y_frac, gamma_frac = 200, 16, 11, 14
    variance = np.exp(rng.uniform(-9, 9, channels))
    running = np.stack([rng.normal(0, 3, channels), variance])
    codes = np.rint(running * 2**frac).astype(np.int32)
    gamma = np.rint(rng.uniform(0.2, 1.9, channels) * 2**gamma_frac).astype(np.int16)
    beta = np.arange(channels, dtype=np.int16)
    stats = np.empty((6, channels), np.int32)
    assert running_constants(codes, frac, y_frac, gamma, gamma_frac, beta, gamma_frac, stats) == 0
    expected = gamma * 2.0**-gamma_frac / np.sqrt(codes[1] * 2.0**-frac + 1e-5) * 2.0**-y_frac
    np.testing.assert_allclose(stats[3] * 2.0 ** -stats[4].astype(float), expected, rtol=2**-14)
    np.testing.assert_allclose(stats[0] * 2.0 ** -(y_frac + 8), codes[0] * 2.0**-frac, atol=2.0 ** -(y_frac + 9))
    np.testing.assert_array_equal(stats[5], beta)


def test_running_constants__hold_and_count_a_mean_far_outside() -> None:
    running = np.array([[1 << 30, 0], [1 << 16, 1 << 16]], np.int32)
    stats = np.empty((6, 2), np.int32)
    ones = np.full(2, 1 << 14, np.int16)
    assert running_constants(running, 16, 14, ones, 14, np.zeros(2, np.int16), 14, stats) == 1
    assert stats[0].tolist() == [1 << 27, 0]
