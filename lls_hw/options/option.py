"""The description of a field that is given on the command line."""

from dataclasses import dataclass

from lls_hw.models.spec.quantities import Quantity


@dataclass(frozen=True, slots=True)
class Option:
    """Stands in the annotation of a field: `Annotated[int, Option("Images a step.", quantity=BATCH)]`.

    The field's name, type and default are the option's.

    Attributes
    ----------
    help : one line of `--help`; the legal range of a number is added to it.
    flags : the spellings, where they are not `--` and the field's name.
    metavar : what stands for the value.
    quantity : the legal range of a number.
    negated : the field is true unless `--no-` and its name is given.
    after : the option of the command behind which it is listed, where that is not the record's order.
    """

    help: str
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    quantity: Quantity | None = None
    negated: bool = False
    after: str | None = None
