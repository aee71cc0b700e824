"""Networks as the user writes them: an input, a list of layers, a final linear classifier."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer, model_validator

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import Norm
from lls_hw.models.spec.quantities import CLASSES, MAP_SIDE, SHARE

LEAST_PICTURE = 16
"""Rows and columns from which a square input is taken for a picture."""
NORM_GROUPS = 8
"""Groups of channels of a group norm; they divide the channels of every network that comes with the program."""
Count = Annotated[int, Field(**MAP_SIDE.bounds)]


class Block(Spec):
    """Common fields of the trained blocks: a name, the grid to which the local loss pools, a norm of its own."""

    name: str = Field(pattern=r"^[A-Za-z0-9_\-]+$", max_length=128)
    pool: Count
    negative_slope: float = Field(default=0.01, **SHARE.bounds)
    norm: Norm | None = None

    @model_serializer(mode="wrap")
    def _said(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A norm that is the network's is not said again, so that a description stays the one it was."""
        return {key: value for key, value in plain(self).items() if key != "norm" or value is not None}


class ConvBlock(Block):
    """Convolution with bias, BatchNorm, LeakyReLU; local loss on a `pool` x `pool` average."""

    kind: Literal["conv"]
    out_channels: Count
    kernel: Count
    stride: Count
    padding: int = Field(ge=0)


class SeparableBlock(Block):
    """Depthwise conv-BN-act, then pointwise conv-BN-act, both without a conv bias.

    Trained from one local loss at the block's end, or, with `local_loss = "conv"`, from one
    after each convolution (the depthwise one with the block's own pooling).
    """

    kind: Literal["separable"]
    out_channels: Count
    kernel: Count
    stride: Count
    padding: int = Field(ge=0)
    local_loss: Literal["block", "conv"] = "block"


class LinearBlock(Block):
    """Linear with bias, BatchNorm, LeakyReLU; local loss on `pool` averages of the features."""

    kind: Literal["linear"]
    out_features: Count


class MaxPool(Spec):
    """Non-overlapping `size` x `size` maximum; a remainder at the edge is dropped."""

    kind: Literal["max_pool"]
    size: Count = 2


class AdaptiveAvgPool(Spec):
    """Average to a `size` x `size` grid (1 is global); windows may overlap or differ in size."""

    kind: Literal["adaptive_avg_pool"]
    size: Count


LayerSpec = Annotated[ConvBlock | SeparableBlock | LinearBlock | MaxPool | AdaptiveAvgPool, Field(discriminator="kind")]


class NetworkSpec(Spec):
    """A network; the linear classifier at its end is implied.

    Attributes
    ----------
    input : channels, height, width.
    classes : outputs of the final classifier.
    reduced_rows : basis vectors of a rule with a reduced set.
    projection_columns : columns of a random projection or local classifier when it is drawn; it is then averaged
        down to the n values of a block's latent, which divides its standard deviation by sqrt(columns / n).
        "latent": n, so that nothing is averaged.
    norm : statistics that its blocks normalise with in training, but for those that say their own.
    norm_groups : groups of channels that have statistics together where the norm is "group".
    """

    name: str = Field(min_length=1, max_length=128)
    input: tuple[Count, Count, Count]
    classes: int = Field(**CLASSES.bounds)
    reduced_rows: Count = 20
    projection_columns: Count | Literal["latent"] = 2048
    norm: Norm = "batch"
    norm_groups: Count = NORM_GROUPS
    layers: tuple[LayerSpec, ...] = Field(min_length=1)

    @field_validator("input")
    @classmethod
    def _channels_come_first(cls, shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """A square picture of 1 or 3 channels whose channels stand last is a slip, not a map of 3 columns."""
        first, second, last = shape
        if first == second >= LEAST_PICTURE and last in (1, 3):
            need = "it is channels, height, width"
            raise SpecError("input", list(shape), need, f"Write [{last}, {first}, {second}].")
        return shape

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [layer.name for layer in self.layers if isinstance(layer, Block)]
        for name in names:
            if name == "classifier":
                raise SpecError("name", name, "the network's last layer is called so", "Rename the block.")
            if names.count(name) > 1:
                raise SpecError("name", name, "each block needs a name of its own", "Rename one of them.")
        return self

    @model_serializer(mode="wrap")
    def _said(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The norm of all networks before there was a choice is not said: names and hashes of old runs hold."""
        unsaid = {"norm": "batch", "norm_groups": NORM_GROUPS}
        return {key: value for key, value in plain(self).items() if key not in unsaid or value != unsaid[key]}

    def with_norm(self, norm: Norm) -> "NetworkSpec":
        """The same network, every block with this norm."""
        layers = [layer.model_copy(update={"norm": None} if isinstance(layer, Block) else {}) for layer in self.layers]
        return self.model_copy(update={"norm": norm, "layers": tuple(layers)})

    def resized(self, input: tuple[int, int, int] | None = None, classes: int | None = None) -> "NetworkSpec":
        """The same layers for another input shape or number of classes."""
        changes: dict[str, Any] = {
            "input": self.input if input is None else input,
            "classes": self.classes if classes is None else classes,
        }
        return NetworkSpec.from_mapping({**self.model_dump(), **changes}, self.name)
