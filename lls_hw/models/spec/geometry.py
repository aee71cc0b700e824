"""Layers with every shape worked out: the records that lowering, engines and the reference share."""

from dataclasses import dataclass
from typing import Literal, get_args

Norm = Literal["batch", "frozen", "group"]
"""Statistics that a layer normalises with in training.

The batch's own, the running ones as constants, or those that each sample has of each group of channels.
"""
NORMS: tuple[Norm, ...] = get_args(Norm)
Window = tuple[int, int]
"""Half-open interval of positions along one axis."""


def adaptive_windows(length: int, size: int) -> tuple[Window, ...]:
    """Windows of adaptive pooling: from floor(i L / s) to ceil((i + 1) L / s).

    They overlap where s does not divide L, and repeat elements where s > L.

    Examples
    --------
    >>> adaptive_windows(7, 2)
    ((0, 4), (3, 7))
    >>> [b - a for a, b in adaptive_windows(7, 4)]
    [2, 3, 3, 2]
    """
    return tuple((i * length // size, -(-(i + 1) * length // size)) for i in range(size))


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolGrid:
    """Windows of a 2-D average: the rows' and the columns' intervals.

    A linear block's features are pooled along one axis: its map is 1 x 1 and `channels` holds
    the windows over features.
    """

    rows: tuple[Window, ...]
    cols: tuple[Window, ...]
    channels: tuple[Window, ...] | None = None

    @property
    def areas(self) -> tuple[int, ...]:
        """Elements of every window, row-major (a linear block: along the features)."""
        if self.channels is not None:
            return tuple(b - a for a, b in self.channels)
        return tuple((b - a) * (d - c) for a, b in self.rows for c, d in self.cols)

    @property
    def is_uniform(self) -> bool:
        """Whether all windows have one size."""
        return len(set(self.areas)) == 1

    def latents(self, channels: int) -> int:
        """Length of one sample's latent vector."""
        if self.channels is not None:
            return len(self.channels)
        return channels * len(self.rows) * len(self.cols)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedLayer:
    """One convolution, depthwise convolution or linear layer with what follows it.

    Maps are (height, width, channels). A linear layer is a convolution whose kernel is its
    whole input map, so its output map is 1 x 1.

    `local` is the pooling grid of the local loss read from this layer's output; None where the
    learning signal comes from the next layer of the same block, or from the classifier's loss.
    `norm` says what `batch_norm` takes its statistics from; `norm_groups` are the groups of channels of norm "group".
    """

    name: str
    block: str
    kind: Literal["conv", "depthwise", "linear", "classifier"]
    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    kernel_h: int
    kernel_w: int
    stride: int
    padding: int
    bias: bool
    batch_norm: bool
    negative_slope: float
    local: PoolGrid | None
    norm: Norm = "batch"
    norm_groups: int = 1

    @property
    def is_group_normed(self) -> bool:
        """Whether each sample is normalised by statistics of its own, which `norm_groups` groups of channels have."""
        return self.batch_norm and self.norm == "group"

    @property
    def is_frozen(self) -> bool:
        """Whether it normalises with constants: one scale and one offset a channel, and no statistics of a batch."""
        return self.batch_norm and self.norm == "frozen"

    @property
    def constants(self) -> tuple[str, ...]:
        """Parameters of its own that no rule trains: of a frozen norm all but beta, which stands for the bias.

        A bias in front of a group norm moves channels against each other, and would need a gradient of its own.
        """
        if self.is_group_normed:
            return ("bias",)
        return ("gamma", "bias") if self.is_frozen else ()

    @property
    def positions(self) -> int:
        """Output positions of one sample."""
        return self.out_h * self.out_w

    @property
    def fan_in(self) -> int:
        """Products in one output."""
        return self.kernel_h * self.kernel_w * (1 if self.kind == "depthwise" else self.in_c)

    @property
    def forward_macs(self) -> int:
        """Multiply-accumulates of one sample, padding included."""
        return self.positions * self.out_c * self.fan_in

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """(kh, kw, in, out); depthwise: (kh, kw, channels)."""
        head = (self.kernel_h, self.kernel_w, self.in_c)
        return head if self.kind == "depthwise" else (*head, self.out_c)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLayer:
    """A pooling between blocks; it has no state and, under a local rule, no backward."""

    name: str
    kind: Literal["max", "avg"]
    in_h: int
    in_w: int
    channels: int
    grid: PoolGrid

    @property
    def out_h(self) -> int:
        """Rows of the pooled map."""
        return len(self.grid.rows)

    @property
    def out_w(self) -> int:
        """Columns of the pooled map."""
        return len(self.grid.cols)


Layer = WeightedLayer | PoolLayer
