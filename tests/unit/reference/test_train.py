"""The float trainer: it learns, its checkpoints resume exactly, its schedules are what they say."""

import numpy as np
import pytest
import torch

from lls_hw.models.data.sampling import epoch_order
from lls_hw.models.reference.build import build_reference
from lls_hw.models.reference.checkpoint import load_checkpoint, save_checkpoint
from lls_hw.models.reference.evaluate import reestimated, test_accuracy
from lls_hw.models.reference.initial import initial_parameters
from lls_hw.models.reference.optimizers import make_optimizer
from lls_hw.models.reference.schedule import RateSchedule, RateScheduleSpec
from lls_hw.models.reference.step import training_step
from lls_hw.models.reference.train import train
from lls_hw.models.reference.train_records import Samples, TrainOptions
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.rule import OptimizerSpec
from tests.unit.reference.tiny import RULES, tiny_network

CONSTANT = RateScheduleSpec(name="constant")


def toy_data(count: int = 48, seed: int = 0) -> Samples:
    """Three classes told apart by which channel and half of the image is bright."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    images = rng.standard_normal((count, 10, 7, 2)).astype(np.float32)
    images[labels == 0, :5, :, 0] += 2
    images[labels == 1, 5:, :, 1] += 2
    return Samples(images=images, labels=labels)


def run(rule: str = "lls_m", optimizer: str = "momentum", *, rate: float = 0.05, progress=None, **options):
    data = toy_data(), toy_data(30, 1)
    spec = OptimizerSpec(name=optimizer, learning_rate=rate)
    options = TrainOptions(**({"epochs": 3, "batch": 12, "schedule": CONSTANT} | options))
    return train(tiny_network(), parse_rule(rule, reduced_rows=2), spec, data, options, progress=progress)


@pytest.mark.parametrize("rule", RULES)
def test_train__every_rule_lowers_the_loss(rule: str) -> None:
    curve = run(rule, epochs=6).curve
    assert [entry["epoch"] for entry in curve] == [1, 2, 3, 4, 5, 6]
    assert curve[-1]["loss"] < 0.85 * curve[0]["loss"]
    if rule in {"bp", "lls", "lls_m", "lls_mxm"}:
        assert curve[-1]["test_accuracy"] > 60  # chance is a third


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "schedulefree_adamw", "schedulefree_sgd"])
def test_train__every_optimizer_learns(optimizer: str) -> None:
    rates = {"adam": 0.01, "schedulefree_adamw": 0.02, "schedulefree_sgd": 0.5, "sgd": 0.1}
    curve = run("lls", optimizer, rate=rates[optimizer], epochs=8).curve
    assert curve[-1]["loss"] < 0.8 * curve[0]["loss"]
    assert curve[-1]["test_accuracy"] > 50  # chance is a third


class InterruptedRunError(Exception):
    """Stands for a killed process."""


@pytest.mark.parametrize(
    ("optimizer", "options"),
    [
        ("momentum", {"schedule": RateScheduleSpec(name="cosine"), "dropout": 0.2}),
        ("momentum", {"schedule": RateScheduleSpec(name="plateau", patience=0, factor=0.5)}),
        ("adam", {"schedule": RateScheduleSpec(name="multistep", milestones=(0.3, 0.7))}),
        ("schedulefree_adamw", {"warmup_steps": 2}),
        ("schedulefree_sgd", {}),
    ],
)
def test_train__a_resumed_run_equals_an_uninterrupted_one(optimizer, options, tmp_path) -> None:
    def interrupt(entry) -> None:
        if entry["epoch"] == 2:
            raise InterruptedRunError

    whole = run(optimizer=optimizer, epochs=4, rate=0.02, **options)
    options = {**options, "epochs": 4, "rate": 0.02, "checkpoint": tmp_path / "run.pt"}
    with pytest.raises(InterruptedRunError):
        run(optimizer=optimizer, progress=interrupt, **options)
    seen = []
    resumed = run(optimizer=optimizer, progress=lambda entry: seen.append(entry["epoch"]), **options)
    assert seen == [3, 4]
    assert resumed.curve == whole.curve
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(resumed.parameters[name], value)
    for name, value in whole.statistics.items():
        np.testing.assert_array_equal(resumed.statistics[name], value)
    again = run(optimizer=optimizer, **options)
    assert again.curve == whole.curve
    assert list(tmp_path.iterdir()) == [tmp_path / "run.pt"]


def test_train__first_step_is_the_recorded_step() -> None:
    network, rule, optimizer = tiny_network(), parse_rule("lls_mxm"), OptimizerSpec(name="momentum")
    data, values = toy_data(12), initial_parameters(tiny_network(), parse_rule("lls_mxm"), 0)
    options = TrainOptions(epochs=1, batch=12, schedule=CONSTANT, dtype="float64")
    found = train(network, rule, optimizer, (data, data), options, parameters=values).parameters
    order = epoch_order(12, 0, 0)
    record = training_step(
        network, rule, optimizer, values, {}, data.images[order], data.labels[order], dtype="float64"
    )
    for name, value in record.parameters.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-14)


def test_train__preparation_sees_the_step_in_training_and_none_in_tests() -> None:
    steps = []

    def prepare(images, step):
        steps.append(step)
        return images.astype(np.float32)

    options = TrainOptions(epochs=2, batch=24, schedule=CONSTANT, test_batch=30)
    train(tiny_network(), parse_rule("lls"), OptimizerSpec(), (toy_data(), toy_data(30, 1)), options, prepare=prepare)
    assert steps == [0, 1, None, 2, 3, None]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 0}, r"^--epochs = 0: it is at least 1\. Use 1 or more\."),
        ({"dropout": 1.0}, r"^--dropout = 1\.0: it is a share below 1\. "),
        ({"batch": 49}, r"^--batch = 49: there are 48 training images\. "),
        ({"rule": "inference"}, r"^--rule = 'inference': training needs a rule that learns\. "),
        (
            {"optimizer": "schedulefree_sgd", "schedule": RateScheduleSpec()},
            r"^--schedule = 'cosine': schedulefree_sgd schedules itself\. Use --schedule constant\.",
        ),
        ({"rate": 16.0, "optimizer": "sgd", "rule": "bp", "dtype": "half"}, r"^dtype = 'half': "),
    ],
)
def test_train__refusals(given, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        run(**given)


def test_train__a_diverged_loss_is_refused() -> None:
    data = Samples(images=np.full((24, 10, 7, 2), np.nan, np.float32), labels=np.arange(24) % 3)
    options = TrainOptions(epochs=1, batch=12)
    with pytest.raises(SpecError, match=r"^--lr = 0\.05: the loss left the numbers in epoch 1\. Use a smaller one\."):
        train(tiny_network(), parse_rule("lls"), OptimizerSpec(), (data, data), options)


def test_make_optimizer__missing_package_is_the_users_error(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "schedulefree", None)
    with pytest.raises(
        SpecError, match=r"^--optimizer = 'schedulefree_sgd': the package schedulefree is not installed"
    ):
        make_optimizer(OptimizerSpec(name="schedulefree_sgd"), [torch.zeros(1, requires_grad=True)])


def test_schedule__scales() -> None:
    cosine = RateSchedule(RateScheduleSpec(name="cosine"), 5, 4)
    assert [round(cosine.scale(step), 6) for step in (0, 10, 20)] == [1.0, 0.5, 0.0]
    steps = RateSchedule(RateScheduleSpec(name="multistep", milestones=(0.5, 0.75), factor=0.1), 5, 4)
    assert [round(steps.scale(5 * epoch), 6) for epoch in range(4)] == [1.0, 1.0, 0.1, 0.01]
    plateau = RateSchedule(RateScheduleSpec(name="plateau", patience=1, factor=0.5), 5, 4)
    scales = []
    for loss in (1.0, 0.9, 0.9, 0.9, 0.9, 0.9):
        plateau.epoch_ended(loss)
        scales.append(plateau.scale(0))
    assert scales == [1.0, 1.0, 1.0, 0.5, 0.5, 0.25]


def test_schedule__refusals() -> None:
    with pytest.raises(SpecError, match=r"^--schedule = 'linear': known are constant, cosine, multistep, plateau\. "):
        RateScheduleSpec(name="linear")
    with pytest.raises(SpecError, match=r"^schedule\.factor = 2: "):
        RateScheduleSpec(factor=2)
    with pytest.raises(SpecError, match=r"^schedule\.milestones = \(30,\): "):
        RateScheduleSpec(milestones=(30,))


def test_checkpoint__refusals(tmp_path) -> None:
    path = tmp_path / "run.pt"
    assert load_checkpoint(path, "me") is None
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(SpecError, match=r"^--checkpoint = '.*run\.pt': it is no checkpoint"):
        load_checkpoint(path, "me")
    torch.save({"epoch": 1}, path)
    with pytest.raises(SpecError, match=r"it is no lls-hw/checkpoint/1 file\. "):
        load_checkpoint(path, "me")
    save_checkpoint(path, "you", {"epoch": 1})
    with pytest.raises(SpecError, match=r"it was written by a run with another network, rule, data or option\. "):
        load_checkpoint(path, "me")
    with pytest.raises(SpecError, match=r"it cannot be written"):
        save_checkpoint(tmp_path / "none" / "run.pt", "me", {})


def test_checkpoint__a_failed_write_keeps_the_old_file(tmp_path, monkeypatch) -> None:
    path = tmp_path / "run.pt"
    save_checkpoint(path, "me", {"epoch": 1})

    def fail(value, stream) -> None:
        stream.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(SpecError, match="disk full"):
        save_checkpoint(path, "me", {"epoch": 2})
    assert load_checkpoint(path, "me") == {"epoch": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_checkpoint__executes_no_code(tmp_path) -> None:
    import pickle

    class Evil:
        def __reduce__(self):
            return (print, ("executed",))

    path = tmp_path / "run.pt"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(SpecError, match="it is no checkpoint"):
        load_checkpoint(path, "me")


def test_reestimated__statistics_are_the_mean_over_batches() -> None:
    network, rule = tiny_network(), parse_rule("bp")
    reference = build_reference(network, rule, initial_parameters(network, rule, 0), dtype="float64", dropout=0.5)
    batches = [torch.randn(8, 2, 10, 7, dtype=torch.float64, generator=torch.manual_seed(seed)) for seed in range(3)]
    fresh = reestimated(reference, iter(batches))
    outputs = [reference.forward(x, training=False).tensors["a/y"] for x in batches]
    mean = torch.stack([y.mean((0, 2, 3)) for y in outputs]).mean(0)
    var = torch.stack([y.var((0, 2, 3)) for y in outputs]).mean(0)
    torch.testing.assert_close(fresh.buffers["a/running_mean"], mean)
    torch.testing.assert_close(fresh.buffers["a/running_var"], var)
    assert not reference.buffers["a/running_mean"].any()


def test_test_accuracy__counts_in_percent() -> None:
    network, rule = tiny_network(), parse_rule("bp")
    reference = build_reference(network, rule, initial_parameters(network, rule, 0))
    x = torch.randn(8, 2, 10, 7, generator=torch.manual_seed(0))
    answers = reference.forward(x, training=False).logits.argmax(1).numpy()
    wrong = answers.copy()
    wrong[:2] = (wrong[:2] + 1) % 3
    assert test_accuracy(reference, [(x, answers)]) == 100.0
    assert test_accuracy(reference, [(x, wrong)]) == 75.0


def test_schedule__is_kept_by_its_own_name() -> None:
    """Another spelling of it is the same course."""
    assert RateScheduleSpec(name="Cosine") == RateScheduleSpec(name="cosine")  # type: ignore[arg-type]
