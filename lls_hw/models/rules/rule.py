"""The record of a learning rule: everything that the rest of the package asks about one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lls_hw.models.program.builder import Builder
from lls_hw.models.program.names import split_name, tensor_name
from lls_hw.models.program.ops.base import Stage
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.rule import Modulation, RuleSpec

Array = npt.NDArray[Any]
Constant = Literal["temperature", "waveform", "reduced_rows"]
"""A field of `RuleSpec` that only some rules use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentLoss:
    """The view that a rule of the LLS family has of a block's pooled latent.

    Attributes
    ----------
    vectors : what it is projected on: a generated periodic basis (the latent is normalised first), or a
        stored random projection (it is not).
    modulation : shape class of the trained modulation.
    reduced : whether the vectors are `reduced_rows` instead of one a class.
    """

    vectors: Literal["periodic", "random"]
    modulation: Modulation = "none"
    reduced: bool = False

    @property
    def normalised(self) -> bool:
        """Whether the latent is divided by its length."""
        return self.vectors == "periodic"

    def rows(self, rule: RuleSpec, classes: int) -> int:
        """Number of vectors."""
        return rule.reduced_rows if self.reduced else classes

    def modulation_shape(self, rule: RuleSpec, classes: int) -> tuple[int, ...]:
        """(rows,), or (rows, classes) of a matrix; () without a modulation."""
        rows = self.rows(rule, classes)
        return {"none": (), "vector": (rows,), "matrix": (rows, classes)}[self.modulation]


def _as_it_is(layer: WeightedLayer, batch: int, value: Array) -> Array:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One array that a rule keeps at every layer with a local loss, beside the layer's own parameters.

    Attributes
    ----------
    short : its name behind ``layer/`` in the reference.
    shape : from the layer, the rule's constants and the number of classes, in the reference's layout.
    first : first values from a generator, the shape, and the columns to draw before they are averaged.
    trained : whether the rule updates it.
    is_map : whether it is (rows, height, width, channels) of the layer's output, which PyTorch wants channels first.
    may_stretch : whether its second axis may be given longer or shorter, to be averaged to the latent's length.
    may_lack : whether it may be left out.
    tensor : name of the program's tensor that holds it, from the layer's name and `short`.
    to_chip, from_chip : its values as that tensor holds them, up to the shape, and back; the batch is the program's.
    """

    short: str
    shape: Callable[[WeightedLayer, RuleSpec, int], tuple[int, ...]]
    first: Callable[[np.random.Generator, tuple[int, ...], int], npt.NDArray[np.float64]]
    trained: bool
    is_map: bool = False
    may_stretch: bool = False
    may_lack: bool = False
    tensor: Callable[[str, str], str] = tensor_name
    to_chip: Callable[[WeightedLayer, int, Array], Array] = _as_it_is
    from_chip: Callable[[WeightedLayer, int, Array], Array] = _as_it_is


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A learning rule.

    Attributes
    ----------
    name : as options and results have it.
    note : what it is, in one line.
    lower : appends the ops of one training step to a builder.
    reference : ``module:attr`` of its `FloatRule`, imported only where torch is wanted.
    state : arrays kept per layer with a local loss.
    constants : the fields of `RuleSpec` that change its numbers.
    signal_stages : stages whose products on the array count as learning signal; the local unit's always do.
    learns : whether it updates anything.
    latent : how it projects latents, where it does.
    colour : of its marks in reports, by the palette's name, so that it is the same in every picture.
    version : raised by its author when its numbers change; a sweep takes points of another version for other points.
    """

    name: str
    note: str
    lower: Callable[[Builder], None]
    reference: str
    state: tuple[State, ...] = ()
    constants: frozenset[Constant] = frozenset()
    signal_stages: tuple[Stage, ...] = ("local_error",)
    learns: bool = True
    latent: LatentLoss | None = None
    colour: str | None = None
    version: int = 1

    def state_of(self, short: str) -> State | None:
        """The state of that name; None for a layer's own parameter."""
        return next((state for state in self.state if state.short == short), None)

    def trains(self, name: str) -> bool:
        """Whether it updates the parameter ``layer/short`` (a layer's own are trained by every rule that learns)."""
        state = self.state_of(split_name(name)[1])
        return state is None or state.trained
