"""Length and manner of a training, as chosen on the command line."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from lls_hw.models.spec import quantities as q
from lls_hw.models.spec.choices import chosen
from lls_hw.options.option import Option

if TYPE_CHECKING:
    from lls_hw.config import RunSpec

SCHEDULES = ("constant", "cosine", "multistep")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """Length and manner of a training.

    `checkpoint` is resumed from if it exists, and written every `checkpoint_every` steps, after every epoch and on
    a stop. `test_limit` keeps the first test images only; `test_batch` images share scales in a test.
    """

    epochs: Annotated[int, Option("Passes over the training images.", quantity=q.EPOCHS)] = 1
    schedule: Annotated[str, Option("Of the learning rate.", metavar="|".join(SCHEDULES))] = "cosine"
    limit: Annotated[int | None, Option("Train on N images, chosen by the seed.", quantity=q.COUNT)] = None
    test_limit: Annotated[int | None, Option("Test on the first N images.", quantity=q.COUNT)] = None
    test_batch: int = 250
    checkpoint: Annotated[Path | None, Option("Resumed from if it exists; kept up to date.", metavar="FILE")] = None
    checkpoint_every: Annotated[int, Option("Steps between checkpoints.", metavar="K", quantity=q.COUNT)] = 100

    def __post_init__(self) -> None:
        for option, quantity, value in (
            ("--epochs", q.EPOCHS, self.epochs),
            ("--limit", q.COUNT, self.limit),
            ("--test-limit", q.COUNT, self.test_limit),
            ("--test-batch", q.COUNT, self.test_batch),
            ("--checkpoint-every", q.COUNT, self.checkpoint_every),
        ):
            if value is not None:
                quantity.check(option, value)
        schedule = chosen("--schedule", self.schedule, SCHEDULES, "the schedules are")
        object.__setattr__(self, "schedule", schedule)  # a record is frozen once it is made

    @property
    def float_checkpoint(self) -> Path | None:
        """The float run's own file beside the integers'."""
        return None if self.checkpoint is None else self.checkpoint.with_name(f"{self.checkpoint.name}.float")

    def json(self) -> dict[str, Any]:
        """The choices that decide the curve."""
        left_out = {"checkpoint", "checkpoint_every"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}


def batches_of(run: "RunSpec", images: int) -> int:
    """Batches of an epoch: whole ones, of whole updates."""
    return images // (run.batch * run.accumulate) * run.accumulate
