"""The training loop: schedule, exact resume, checkpoints that are whole or refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lls_hw.config import lower_run
from lls_hw.files import sweep_partials
from lls_hw.models.reference.schedule import RateSchedule, RateScheduleSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.training.checkpoint import kept_names
from lls_hw.training.float_run import train_float
from lls_hw.training.identity import learning_rate
from lls_hw.training.plan import TrainPlan
from lls_hw.training.trainer import limited, train
from tests.children import started, wait_for
from tests.unit.training.helpers import small_run

PLAN = TrainPlan(epochs=2, limit=128, test_limit=40, test_batch=20, checkpoint_every=3)


def run_to(plan: TrainPlan, *, stop_after: int | None = None, bits: str = "8", seed: int = 0, accumulate: int = 1):
    run, images = small_run("lls_m", batch_size=16, bits=bits, seed=seed, accumulate=accumulate)
    asked = iter(range(10**6))
    stop = (lambda: False) if stop_after is None else (lambda: next(asked) >= stop_after)
    return train(run, lower_run(run), limited(run, images, plan), plan, stop=stop)


def assert_same(a, b) -> None:
    assert a.curve == b.curve
    assert a.tensors == b.tensors
    assert a.step == b.step
    for name in kept_names(a.program):
        np.testing.assert_array_equal(a.machine.values[name].codes, b.machine.values[name].codes, err_msg=name)
        assert a.machine.values[name].frac == b.machine.values[name].frac
    assert a.machine.scales == b.machine.scales


@pytest.fixture(scope="module")
def whole():
    return run_to(PLAN)


def test_train__reports_every_epoch(whole) -> None:
    assert [row["epoch"] for row in whole.curve] == [1, 2]
    assert whole.curve[1]["loss"] < whole.curve[0]["loss"]
    assert 0 <= whole.curve[-1]["test_accuracy"] <= 100
    assert whole.images_per_s > 0
    assert (whole.step, whole.steps, whole.stopped) == (16, 16, False)
    rows = {row["tensor"]: row for row in whole.tensors}
    assert 1 < rows["conv1/h"]["used_bits"] <= 8
    assert 0 < rows["conv2/weight"]["range_use"] <= 1


@pytest.mark.parametrize("stop_after", [0, 4, 7, 8, 9, 12])
def test_train__interrupted_and_resumed_equals_uninterrupted(whole, tmp_path: Path, stop_after: int) -> None:
    """Stops fall inside an epoch, at its last step, inside its test (7 to 9) and in the next epoch."""
    plan = replace(PLAN, checkpoint=tmp_path / "run.ckpt")
    first = run_to(plan, stop_after=stop_after)
    assert first.stopped
    assert_same(run_to(plan), whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.ckpt"]


def test_train__resumes_from_the_last_periodic_checkpoint(whole, tmp_path: Path, monkeypatch) -> None:
    """A crash between checkpoints: the steps since the last one are taken again, to the same end."""
    plan = replace(PLAN, checkpoint=tmp_path / "run.ckpt")

    def crash(text: str, done: int, _total: int) -> None:
        if done == 11:
            raise MemoryError(text)

    run, images = small_run("lls_m", batch_size=16)
    with pytest.raises(MemoryError):
        train(run, lower_run(run), limited(run, images, plan), plan, progress=crash)
    assert_same(run_to(plan), whole)


def test_train__finished_run_is_not_run_again(whole, tmp_path: Path) -> None:
    plan = replace(PLAN, checkpoint=tmp_path / "run.ckpt")
    run_to(plan)
    stamp = (tmp_path / "run.ckpt").stat().st_mtime_ns
    assert_same(run_to(plan), whole)
    assert (tmp_path / "run.ckpt").stat().st_mtime_ns == stamp


def test_train__accumulates_and_resumes_between_two_batches_of_an_update(tmp_path: Path) -> None:
    """Updates of three batches in whole updates an epoch; a stop after two of the three loses nothing."""
    whole = run_to(PLAN, accumulate=3)
    assert whole.step == whole.steps == 2 * 6, "of eight batches an epoch two wait for another shuffle"
    plan = replace(PLAN, checkpoint=tmp_path / "run.ckpt")
    first = run_to(plan, stop_after=4, accumulate=3)
    assert first.stopped
    assert first.step == 5
    assert_same(run_to(plan, accumulate=3), whole)
    with pytest.raises(SpecError, match="another network, rule, precision, data or option"):
        run_to(plan)


def test_train__float_accumulates_beside_it() -> None:
    run, images = small_run("lls_m", batch_size=8, accumulate=4)
    images = limited(run, images, PLAN)
    ours = train(run, lower_run(run), images, PLAN)
    curve, _, _ = train_float(run, images, PLAN)
    assert [row["loss"] for row in ours.curve] == pytest.approx([row["loss"] for row in curve], rel=0.1)


def test_train__refuses_an_update_of_more_batches_than_there_are() -> None:
    run, images = small_run("lls_m", batch_size=16, accumulate=50)
    with pytest.raises(SpecError, match=r"^--accumulate = 50: there are 80 training images, 5 batches\. Use at most 5"):
        limited(run, images, replace(PLAN, limit=80))


@pytest.mark.parametrize("change", ["seed", "bits", "epochs", "schedule", "limit"])
def test_train__refuses_the_checkpoint_of_another_run(tmp_path: Path, change: str) -> None:
    plan = replace(PLAN, checkpoint=tmp_path / "run.ckpt")
    run_to(plan, stop_after=2)
    before = (tmp_path / "run.ckpt").read_bytes()
    other = {"epochs": {"epochs": 3}, "schedule": {"schedule": "constant"}, "limit": {"limit": 64}}.get(change, {})
    with pytest.raises(SpecError, match="another network, rule, precision, data or option"):
        run_to(replace(plan, **other), seed=int(change == "seed"), bits="9" if change == "bits" else "8")
    assert (tmp_path / "run.ckpt").read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "short", "empty", "flip", "pickle", "text"])
def test_train__refuses_a_torn_checkpoint(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.ckpt"
    plan = replace(PLAN, checkpoint=path)
    run_to(plan, stop_after=2)
    data = bytearray(path.read_bytes())
    place = data.index(b"codes/conv2/weight.npy") + 400
    data[place] ^= 255
    path.write_bytes(
        {
            "cut": path.read_bytes()[: len(data) // 2],
            "short": path.read_bytes()[:-1],
            "empty": b"",
            "flip": bytes(data),
            "pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.",
            "text": b"not a checkpoint",
        }[damage]
    )
    with pytest.raises(SpecError, match="it is no whole checkpoint"):
        run_to(plan)


def test_sweep__removes_only_what_dead_processes_left(tmp_path: Path) -> None:
    dead, alive = tmp_path / ".run.ckpt.99999999.partial", tmp_path / ".run.ckpt.1.partial"
    for path in (dead, alive):
        path.write_bytes(b"half")
    sweep_partials(tmp_path / "run.ckpt")
    assert not dead.exists()
    assert alive.exists()


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.unit.training.test_training import PLAN, run_to
run_to(replace(PLAN, checkpoint=Path(sys.argv[1]), checkpoint_every=1))
"""


def test_train__kill_9_leaves_a_whole_checkpoint_that_resumes_exactly(tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    plan = replace(PLAN, checkpoint=path, checkpoint_every=1)
    with started("-c", KILLED, str(path)) as child:
        wait_for(path.exists, "checkpoint", child)
        child.kill()
    assert_same(run_to(plan), run_to(PLAN))
    assert [p.name for p in tmp_path.iterdir()] == ["run.ckpt"]


@pytest.mark.parametrize("name", ["constant", "cosine", "multistep"])
def test_learning_rate__is_the_float_trainers(name: str) -> None:
    theirs = RateSchedule(RateScheduleSpec(name=name), 7, 4)
    rates = [learning_rate(0.05, name, step, 7, 4) for step in range(28)]
    assert rates == [0.05 * theirs.scale(step) for step in range(28)]
    assert min(rates) > 0, "the update's mantissa has no zero"


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"limit": 0}, {"schedule": "linear"}, {"checkpoint_every": 0}])
def test_plan__refuses_impossible_options(wrong) -> None:
    with pytest.raises(SpecError):
        TrainPlan(**wrong)


def test_train__refuses_what_has_no_integer_form() -> None:
    run, images = small_run("lls_m", batch_size=16)
    for field, name, need in (
        ("rule", "inference", "it learns nothing"),
        ("optimizer", "schedulefree_sgd", "add --float"),
    ):
        other = run.model_copy(update={field: getattr(run, field).model_copy(update={"name": name})})
        with pytest.raises(SpecError, match=need):
            train(other, lower_run(other), images, PLAN)


def test_train__refuses_a_batch_larger_than_the_limit() -> None:
    run, images = small_run("lls_m", batch_size=16)
    with pytest.raises(SpecError, match="there are 8 training images"):
        limited(run, images, replace(PLAN, limit=8))


def test_train_float__sees_the_same_batches_and_schedule(whole) -> None:
    run, images = small_run("lls_m", batch_size=16)
    curve, rate, stopped = train_float(run, limited(run, images, PLAN), PLAN)
    assert not stopped
    assert rate > 0
    for ours, theirs in zip(whole.curve, curve, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=0.1)
