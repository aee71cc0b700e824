"""Options that more than one command takes, each described once."""

from typing import Annotated

import typer

Net = Annotated[str, typer.Option(help="Shipped network, FILE.toml, or module:attr.")]
Rule = Annotated[str, typer.Option(help="Learning rule; see `lls-hw list rules`.")]
Chip = Annotated[str, typer.Option(help="Shipped chip or FILE.toml.")]
ArrayShape = Annotated[str | None, typer.Option("--array", metavar="RxC", help="Rows x columns of the array.")]
Flow = Annotated[str | None, typer.Option("--dataflow", metavar="ws|os|is", help="Stationary operand.")]
Bits = Annotated[str, typer.Option(metavar="N|w8,a8,...", help="Word widths: N, or roles w,a,e,m,acc.")]
Sram = Annotated[int | None, typer.Option("--sram", metavar="KIB", help="Scratchpad capacity.")]
Technology = Annotated[str | None, typer.Option(help="Energy table; see `lls-hw list technologies`.")]
Batch = Annotated[int, typer.Option(help="Images a step.")]
Seed = Annotated[int, typer.Option(help="Of weights, data and stochastic rounding.")]
Data = Annotated[str, typer.Option(help="synthetic, fashion-mnist[:DIR], vww:DIR, cifar10:PATH, npz:FILE, ...")]
Input = Annotated[str | None, typer.Option("--input", metavar="CxHxW", help="Input shape.")]
Classes = Annotated[int | None, typer.Option(help="Number of classes.")]
Temperature = Annotated[float, typer.Option(help="Divides the local logits.")]
Waveform = Annotated[str, typer.Option(metavar="square|cosine", help="Shape of the basis.")]
Rate = Annotated[float, typer.Option("--lr", help="Learning rate.")]
Optimizer = Annotated[str, typer.Option(metavar="sgd|momentum", help="Update rule.")]
Momentum = Annotated[float, typer.Option(help="Momentum of the update.")]
Json = Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="Write everything as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No tables, no progress.")]

# -- lists, for commands that run many points ------------------------------------------------

Nets = Annotated[str, typer.Option("--net", "--nets", metavar="N[,N]", help="Networks, as of `simulate`.")]
Rules = Annotated[str, typer.Option("--rule", "--rules", metavar="R[,R]", help="Learning rules.")]
Out = Annotated[str, typer.Option(metavar="FILE.db", help="Database: results so far, and where new ones go.")]
Chips = Annotated[str, typer.Option("--chips", "--chip", metavar="C[,C]", help="Shipped chips or FILE.toml.")]
Arrays = Annotated[str | None, typer.Option("--arrays", "--array", metavar="RxC[,RxC]", help="Arrays.")]
Flows = Annotated[
    str | None, typer.Option("--dataflows", "--dataflow", metavar="ws,os,is", help="Stationary operands.")
]
BitsList = Annotated[
    str, typer.Option("--bits", metavar="4,8 | w4,a8;8", help="Word widths; role lists with ; between.")
]
Srams = Annotated[str | None, typer.Option("--srams", "--sram", metavar="KIB[,KIB]", help="Scratchpad capacities.")]
Technologies = Annotated[
    str | None, typer.Option("--technologies", "--technology", metavar="T[,T]", help="Energy tables.")
]
Batches = Annotated[str, typer.Option("--batches", "--batch", metavar="1,8", help="Images a step.")]
Seeds = Annotated[str, typer.Option("--seeds", "--seed", metavar="0,1,2", help="Of trainings; costs have none.")]
Baseline = Annotated[str, typer.Option(metavar="RULE|none", help="Rule beside which ratios are taken.")]
Train = Annotated[bool, typer.Option("--train", help="Train every point as well (default: costs alone).")]
Epochs = Annotated[int, typer.Option(help="With --train: passes over the training images.")]
Schedule = Annotated[str, typer.Option(metavar="constant|cosine|multistep", help="With --train: of the learning rate.")]
Limit = Annotated[int | None, typer.Option(metavar="N", help="With --train: on N images, chosen by the seed.")]
TestLimit = Annotated[int | None, typer.Option(metavar="N", help="With --train: test on the first N images.")]
CheckpointEvery = Annotated[int, typer.Option(metavar="K", help="With --train: steps that a kill can lose.")]
Jobs = Annotated[int | None, typer.Option(metavar="N", help="Worker processes (default: a core each).")]
Cluster = Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="Dask scheduler to send the work to.")]
Csv = Annotated[str | None, typer.Option(metavar="FILE", help="Write the whole database as a table.")]
Parquet = Annotated[str | None, typer.Option(metavar="FILE", help="The same as Parquet.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Evaluate again what failed before.")]
