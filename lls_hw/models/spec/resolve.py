"""`resolve`: a network as its user wrote it becomes a flat list of layers with shapes."""

from dataclasses import dataclass
from typing import Literal

from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import Layer, Norm, PoolGrid, PoolLayer, WeightedLayer, Window, adaptive_windows
from lls_hw.models.spec.network import (
    AdaptiveAvgPool,
    Block,
    ConvBlock,
    LinearBlock,
    MaxPool,
    NetworkSpec,
    SeparableBlock,
)


@dataclass(slots=True)
class _Walker:
    """Shape of the map as the layers are walked."""

    h: int
    w: int
    c: int
    taken: frozenset[str]
    norm: Norm
    norm_groups: int
    pools: int = 0

    def pool_name(self) -> str:
        """A name for the next pooling that no block of the user's has: blocks have no dot in theirs."""
        self.pools += 1
        plain = f"pool{self.pools}"
        return f"{plain}.pooling" if plain in self.taken else plain


def resolve(network: NetworkSpec) -> tuple[Layer, ...]:
    """Every layer with its shapes, the final classifier included.

    Raises
    ------
    SpecError : a kernel or a pooling does not fit its input, or a group norm its layer's channels.
    """
    c, h, w = network.input
    taken = frozenset(layer.name for layer in network.layers if isinstance(layer, Block))
    at = _Walker(h, w, c, taken, network.norm, network.norm_groups)
    layers: list[Layer] = []
    for index, layer in enumerate(network.layers):
        where = f"{network.name}.layers.{index}"
        if isinstance(layer, ConvBlock):
            layers.append(_conv(at, layer, where))
        elif isinstance(layer, SeparableBlock):
            layers += _separable(at, layer, where)
        elif isinstance(layer, LinearBlock):
            layers.append(_linear(at, layer))
        else:
            layers.append(_pool(at, layer, where))
    layers.append(
        _whole_map(
            at, name="classifier", kind="classifier", out_c=network.classes, batch_norm=False, slope=0.0, local=None
        )
    )
    for made in layers:
        if isinstance(made, WeightedLayer) and made.is_group_normed:
            _check_groups(made, f"{network.name}.norm_groups")
    return tuple(layers)


def _check_groups(layer: WeightedLayer, where: str) -> None:
    """Groups are alike, and a sample has at least two values in each."""
    fit = [n for n in range(1, layer.out_c + 1) if layer.out_c % n == 0 and layer.positions * layer.out_c >= 2 * n]
    if layer.norm_groups in fit:
        return
    if not fit:
        need, fix = "each sample needs two values to normalise", 'Use the norm "batch" or "frozen".'
        raise SpecError(where, layer.norm_groups, f"layer '{layer.name}' has one value a sample, and {need}", fix)
    known = ", ".join(str(n) for n in fit)
    need = f"layer '{layer.name}' has {layer.out_c} channels of {layer.positions} positions"
    raise SpecError(
        where,
        layer.norm_groups,
        f"{need}: alike groups of at least two values are needed",
        f"Set norm_groups in the network's description to one of {known}.",
    )


def _slide(at: _Walker, kernel: int, stride: int, padding: int, where: str) -> tuple[int, int]:
    """Output height and width of a sliding window."""
    out = tuple((length + 2 * padding - kernel) // stride + 1 for length in (at.h, at.w))
    if min(out) < 1 or min(at.h, at.w) + 2 * padding < kernel:
        raise SpecError(
            f"{where}.kernel",
            kernel,
            f"it does not fit a {at.h}x{at.w} map with padding {padding}",
            "Use a smaller kernel or a larger input.",
        )
    if padding >= kernel:
        raise SpecError(
            f"{where}.padding", padding, f"it must be below the kernel's {kernel}", "Use a smaller padding."
        )
    return out[0], out[1]


def _sliding(
    at: _Walker,
    spec: ConvBlock | SeparableBlock,
    where: str,
    *,
    name: str,
    kind: Literal["conv", "depthwise"],
    out_c: int,
    bias: bool,
    local: bool,
) -> WeightedLayer:
    """A convolution with the block's kernel, stride and padding; moves the walker."""
    out_h, out_w = _slide(at, spec.kernel, spec.stride, spec.padding, where)
    layer = WeightedLayer(
        name=name,
        block=spec.name,
        kind=kind,
        in_h=at.h,
        in_w=at.w,
        in_c=at.c,
        out_h=out_h,
        out_w=out_w,
        out_c=out_c,
        kernel_h=spec.kernel,
        kernel_w=spec.kernel,
        stride=spec.stride,
        padding=spec.padding,
        bias=bias,
        batch_norm=True,
        negative_slope=spec.negative_slope,
        local=_grid(out_h, out_w, spec.pool) if local else None,
        norm=spec.norm or at.norm,
        norm_groups=at.norm_groups,
    )
    at.h, at.w, at.c = out_h, out_w, out_c
    return layer


def _conv(at: _Walker, spec: ConvBlock, where: str) -> WeightedLayer:
    return _sliding(at, spec, where, name=spec.name, kind="conv", out_c=spec.out_channels, bias=True, local=True)


def _separable(at: _Walker, spec: SeparableBlock, where: str) -> list[WeightedLayer]:
    own_loss = spec.local_loss == "conv"
    depthwise = _sliding(
        at, spec, where, name=f"{spec.name}.dw", kind="depthwise", out_c=at.c, bias=False, local=own_loss
    )
    pointwise = WeightedLayer(
        name=f"{spec.name}.pw",
        block=spec.name,
        kind="conv",
        in_h=at.h,
        in_w=at.w,
        in_c=at.c,
        out_h=at.h,
        out_w=at.w,
        out_c=spec.out_channels,
        kernel_h=1,
        kernel_w=1,
        stride=1,
        padding=0,
        bias=False,
        batch_norm=True,
        negative_slope=spec.negative_slope,
        local=_grid(at.h, at.w, spec.pool),
        norm=spec.norm or at.norm,
        norm_groups=at.norm_groups,
    )
    at.c = spec.out_channels
    return [depthwise, pointwise]


def _whole_map(
    at: _Walker,
    *,
    name: str,
    kind: Literal["linear", "classifier"],
    out_c: int,
    batch_norm: bool,
    slope: float,
    local: PoolGrid | None,
    norm: Norm = "batch",
) -> WeightedLayer:
    """A linear layer over the flattened map; moves the walker to a 1 x 1 map."""
    layer = WeightedLayer(
        name=name,
        block=name,
        kind=kind,
        in_h=at.h,
        in_w=at.w,
        in_c=at.c,
        out_h=1,
        out_w=1,
        out_c=out_c,
        kernel_h=at.h,
        kernel_w=at.w,
        stride=1,
        padding=0,
        bias=True,
        batch_norm=batch_norm,
        negative_slope=slope,
        local=local,
        norm=norm,
        norm_groups=at.norm_groups,
    )
    at.h, at.w, at.c = 1, 1, out_c
    return layer


def _linear(at: _Walker, spec: LinearBlock) -> WeightedLayer:
    grid = PoolGrid(rows=((0, 1),), cols=((0, 1),), channels=adaptive_windows(spec.out_features, spec.pool))
    return _whole_map(
        at,
        name=spec.name,
        kind="linear",
        out_c=spec.out_features,
        batch_norm=True,
        slope=spec.negative_slope,
        local=grid,
        norm=spec.norm or at.norm,
    )


def _pool(at: _Walker, spec: MaxPool | AdaptiveAvgPool, where: str) -> PoolLayer:
    if isinstance(spec, MaxPool):
        if spec.size > min(at.h, at.w):
            raise SpecError(
                f"{where}.size", spec.size, f"the map is only {at.h}x{at.w}", "Use a smaller pooling or a larger input."
            )
        grid = PoolGrid(rows=_strided(at.h, spec.size), cols=_strided(at.w, spec.size))
    else:
        grid = _grid(at.h, at.w, spec.size)
    layer = PoolLayer(
        name=at.pool_name(),
        kind="max" if isinstance(spec, MaxPool) else "avg",
        in_h=at.h,
        in_w=at.w,
        channels=at.c,
        grid=grid,
    )
    at.h, at.w = layer.out_h, layer.out_w
    return layer


def _strided(length: int, size: int) -> tuple[Window, ...]:
    return tuple((i * size, (i + 1) * size) for i in range(length // size))


def _grid(h: int, w: int, size: int) -> PoolGrid:
    return PoolGrid(rows=adaptive_windows(h, size), cols=adaptive_windows(w, size))
