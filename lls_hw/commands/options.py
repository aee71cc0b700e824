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
