"""Chains of layers without barriers, as programs of ours and in the terms of AccelForge's driver."""

from dataclasses import dataclass, replace

from lls_hw.models.program.builder import Builder
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.rule import OptimizerSpec


@dataclass(frozen=True)
class Chain:
    """Square maps through convolutions of stride 1.

    Attributes
    ----------
    rows, channels : of the first map.
    layers : (kernel, padding, output channels) each.
    kib : scratchpads.
    """

    name: str
    rows: int
    channels: int
    layers: tuple[tuple[int, int, int], ...]
    kib: tuple[float, ...]

    @property
    def capacities_bytes(self) -> tuple[int, ...]:
        """Scratchpads."""
        return tuple(round(1024 * size) for size in self.kib)

    @property
    def text(self) -> str:
        """Maps and layers: `16x16x64 - 1x1 16 - ...`."""
        steps = (f"{k}x{k}{' padded' if padding else ''} {out}" for k, padding, out in self.layers)
        return " - ".join((f"{self.rows}x{self.rows}x{self.channels}", *steps))

    @property
    def shapes(self) -> tuple[WeightedLayer, ...]:
        """Every layer."""
        made, rows, channels = [], self.rows, self.channels
        for number, (kernel, padding, out) in enumerate(self.layers, 1):
            name, after = f"L{number}", rows + 2 * padding - kernel + 1
            made.append(WeightedLayer(
                name=name, block=name, kind="conv", in_h=rows, in_w=rows, in_c=channels, out_h=after, out_w=after,
                out_c=out, kernel_h=kernel, kernel_w=kernel, stride=1, padding=padding, bias=False, batch_norm=False,
                negative_slope=0.0, local=None,
            ))  # fmt: skip
            rows, channels = after, out
        return tuple(made)


CHAINS = (
    Chain("pw2", 16, 16, ((1, 0, 64), (1, 0, 16)), (0.5, 2, 4, 8, 32)),
    Chain("conv_pw", 18, 16, ((3, 0, 32), (1, 0, 32)), (1, 4, 6, 8, 32)),
    Chain("padded_pw", 16, 16, ((3, 1, 32), (1, 0, 32)), (1, 4, 6, 8, 32)),
    Chain("conv_conv", 16, 8, ((3, 0, 16), (3, 0, 16)), (0.5, 2, 4, 6, 16)),
    Chain("pw3", 16, 32, ((1, 0, 64), (1, 0, 64), (1, 0, 32)), (1, 4, 8, 16, 64)),
    Chain("bottleneck", 10, 64, ((1, 0, 16), (3, 0, 16), (1, 0, 64)), (0.5, 2, 4, 6, 32)),
    Chain("pw4", 16, 16, ((1, 0, 32), (1, 0, 64), (1, 0, 32), (1, 0, 16)), (1, 4, 8, 16, 64)),
    Chain("linear4", 1, 256, ((1, 0, 256), (1, 0, 128), (1, 0, 128), (1, 0, 64)), (0.5, 1, 4, 16, 128)),
    Chain("mixed4", 10, 16, ((1, 0, 32), (3, 0, 32), (1, 0, 64), (1, 0, 16)), (1, 4, 8, 12, 32)),
)
"""Chains of two to four layers, from a scratchpad that hardly holds a tile to one that holds all tensors."""


def program_of(chain: Chain) -> Program:
    """The products alone: layer n takes map T(n-1), and its map Tn has 8 bits as everything has."""
    builder = Builder(load_network("smallconv"), parse_rule("inference"), Precision(), OptimizerSpec(), batch=1)
    bits = builder.precision.activation_bits
    source = builder.tensor("T0", (1, chain.rows, chain.rows, chain.channels), bits, "input")
    for number, layer in enumerate(chain.shapes, 1):
        shape, last = (1, layer.out_h, layer.out_w, layer.out_c), number == len(chain.layers)
        out = builder.tensor(f"T{number}", shape, bits, "activation", kept=last)
        weight = builder.tensor(f"W{number}", layer.weight_shape, builder.precision.weight_bits, "weight", kept=True)
        builder.product(layer, "forward", source=source, weight=weight, out=out)
        source = out
    return builder.program()


def layers_of(chain: Chain) -> list[dict[str, int]]:
    """The chain in the driver's terms."""
    return [{"kernel": s.kernel_h, "rows": s.out_h, "in": s.in_c, "out": s.out_c} for s in chain.shapes]


NORM_TENSORS = ("gamma", "beta", "running")
"""What a norm has of its own."""


def normed_program_of(chain: Chain) -> Program:
    """The same chain with a BatchNorm of inference behind each product, whose output has 16 bits then (ADR 002)."""
    builder = Builder(load_network("smallconv"), parse_rule("inference"), Precision(), OptimizerSpec(), batch=1)
    bits = builder.precision.activation_bits
    source = builder.tensor("T0", (1, chain.rows, chain.rows, chain.channels), bits, "input")
    for layer in chain.shapes:
        source = builder.forward(replace(layer, batch_norm=True), source, training=False)
    return builder.program()
