"""Options that more than one command takes, each described once."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from lls_hw.models.spec import quantities as q
from lls_hw.models.spec.errors import SpecError


class RefusedNumber(Exception):  # noqa: N818  (not shown: the command line shows what it carries)
    """Carries a `SpecError` past typer, which would reword a `ValueError`."""

    def __init__(self, error: SpecError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class _Reader:
    """What typer calls with the text (or the default) of a numeric option."""

    quantity: q.Quantity
    option: str

    def __call__(self, text: object) -> int | float:
        try:
            return self.quantity.read(self.option, str(text))
        except SpecError as error:
            raise RefusedNumber(error) from None


def number(quantity: q.Quantity, *flags: str, help: str, metavar: str = "N") -> Any:  # noqa: ANN401  (as typer's)
    """A numeric option, its legal range in `--help` and in the refusal."""
    text = f"{help.rstrip('.')} ({quantity.range})."
    return typer.Option(*flags, parser=_Reader(quantity, flags[0]), metavar=metavar, help=text)


Net = Annotated[str, typer.Option(help="Shipped network, FILE.toml, or module:attr.")]
Rule = Annotated[str, typer.Option(help="Learning rule; see `lls-hw list rules`.")]
Chip = Annotated[str, typer.Option(help="Shipped chip or FILE.toml.")]
ArrayShape = Annotated[
    str | None, typer.Option("--array", metavar="RxC", help=f"Rows x columns of the array (each {q.ARRAY_SIDE.range}).")
]
Flow = Annotated[str | None, typer.Option("--dataflow", metavar="ws|os|is", help="Stationary operand.")]
Bits = Annotated[
    str,
    typer.Option(metavar="N|w8,a8,...", help="Word widths: N, or roles w,a,e (2 to 16), m (8 to 32), acc (16 to 48)."),
]
Sram = Annotated[int | None, number(q.SRAM_KIB, "--sram", metavar="KIB", help="Scratchpad capacity.")]
Technology = Annotated[str | None, typer.Option(help="Energy table; see `lls-hw list technologies`.")]
Batch = Annotated[int, number(q.BATCH, "--batch", help="Images a step.")]
Seed = Annotated[int, number(q.SEED, "--seed", help="Of weights, data and stochastic rounding.")]
Data = Annotated[str, typer.Option(help="synthetic, fashion-mnist[:DIR], vww:DIR, cifar10:PATH, npz:FILE, ...")]
Input = Annotated[str | None, typer.Option("--input", metavar="CxHxW", help=f"Input shape (each {q.MAP_SIDE.range}).")]
Classes = Annotated[int | None, number(q.CLASSES, "--classes", help="Number of classes.")]
Temperature = Annotated[float, number(q.TEMPERATURE, "--temperature", metavar="X", help="Divides the local logits.")]
Waveform = Annotated[str, typer.Option(metavar="square|cosine", help="Shape of the basis.")]
Rate = Annotated[float, number(q.RATE, "--lr", metavar="X", help="Learning rate.")]
Optimizer = Annotated[str, typer.Option(metavar="sgd|momentum", help="Update rule.")]
Momentum = Annotated[float, number(q.SHARE, "--momentum", metavar="X", help="Momentum of the update.")]
Json = Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="Write everything as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No tables, no progress.")]

# -- lists, for commands that run many points ------------------------------------------------

Nets = Annotated[str, typer.Option("--net", "--nets", metavar="N[,N]", help="Networks, as of `simulate`.")]
Rules = Annotated[str, typer.Option("--rule", "--rules", metavar="R[,R]", help="Learning rules.")]
Out = Annotated[str, typer.Option(metavar="FILE.db", help="Database: results so far, and where new ones go.")]
Chips = Annotated[str, typer.Option("--chips", "--chip", metavar="C[,C]", help="Shipped chips or FILE.toml.")]
Arrays = Annotated[
    str | None, typer.Option("--arrays", "--array", metavar="RxC[,RxC]", help=f"Arrays (sides {q.ARRAY_SIDE.range}).")
]
Flows = Annotated[
    str | None, typer.Option("--dataflows", "--dataflow", metavar="ws,os,is", help="Stationary operands.")
]
BitsList = Annotated[
    str, typer.Option("--bits", metavar="4,8 | w4,a8;8", help="Word widths; role lists with ; between.")
]
Srams = Annotated[
    str | None,
    typer.Option("--srams", "--sram", metavar="KIB[,KIB]", help=f"Scratchpad capacities ({q.SRAM_KIB.range})."),
]
Technologies = Annotated[
    str | None, typer.Option("--technologies", "--technology", metavar="T[,T]", help="Energy tables.")
]
Batches = Annotated[str, typer.Option("--batches", "--batch", metavar="1,8", help=f"Images a step ({q.BATCH.range}).")]
Seeds = Annotated[
    str, typer.Option("--seeds", "--seed", metavar="0,1,2", help=f"Of trainings; costs have none ({q.SEED.range}).")
]
Baseline = Annotated[str, typer.Option(metavar="RULE|none", help="Rule beside which ratios are taken.")]
Train = Annotated[bool, typer.Option("--train", help="Train every point as well (default: costs alone).")]
Epochs = Annotated[int, number(q.EPOCHS, "--epochs", help="With --train: passes over the training images.")]
Schedule = Annotated[str, typer.Option(metavar="constant|cosine|multistep", help="With --train: of the learning rate.")]
Limit = Annotated[int | None, number(q.COUNT, "--limit", help="With --train: on N images, chosen by the seed.")]
TestLimit = Annotated[int | None, number(q.COUNT, "--test-limit", help="With --train: test on the first N images.")]
CheckpointEvery = Annotated[
    int, number(q.COUNT, "--checkpoint-every", metavar="K", help="With --train: steps that a kill can lose.")
]
Jobs = Annotated[int | None, number(q.JOBS, "--jobs", help="Worker processes, a core each if not given.")]
Cluster = Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="Dask scheduler to send the work to.")]
Csv = Annotated[str | None, typer.Option(metavar="FILE", help="Write the whole database as a table.")]
Parquet = Annotated[str | None, typer.Option(metavar="FILE", help="The same as Parquet.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Evaluate again what failed before.")]
