"""Print the MAC facts of the method with their conventions (docs/design.md, what is counted)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lls_hw.models.reference.accounting import CONVENTIONS, MacCounts, mac_counts, ratio, unpooled_signal_macs
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule, rules
from lls_hw.models.spec.network import NetworkSpec


def main() -> int:
    """Print the conventions, then three networks under every rule."""
    for count, meaning in CONVENTIONS.items():
        print(f"{count}: {meaning}")
    vgg8 = load_network("vgg8")
    show("vgg8 3x128x128, 2 classes", vgg8.resized((3, 128, 128), 2))
    show("vgg8 3x32x32, 100 classes", vgg8.resized((3, 32, 32), 100))
    tiny = load_network("mlperf_tiny_vww")
    show("mlperf_tiny_vww, one loss per block", tiny)
    show("mlperf_tiny_vww, one loss per convolution", one_loss_per_convolution(tiny))
    return 0


def one_loss_per_convolution(network: NetworkSpec) -> NetworkSpec:
    """The same network with a local loss after each convolution of a separable block."""
    data = network.model_dump()
    for layer in data["layers"]:
        if layer["kind"] == "separable":
            layer["local_loss"] = "conv"
    return NetworkSpec.from_mapping(data, network.name)


def show(title: str, network: NetworkSpec) -> None:
    """Counts of one sample in millions, and BP over each rule."""
    bp = mac_counts(network, parse_rule("bp"))
    unpooled = ratio(bp.learning_signal, unpooled_signal_macs(network, network.classes))
    print(f"\n{title} (BP signal over 2 C unpooled outputs: {shown(unpooled)})")
    print(f"{'rule':17}{'inference M':>13}{'signal M':>12}{'step M':>12}{'signal BP/':>12}{'step BP/':>10}")
    for rule in rules():
        counts = mac_counts(network, parse_rule(rule, reduced_rows=network.reduced_rows))
        print(f"{rule:17}" + "".join(columns(bp, counts)))


def columns(bp: MacCounts, counts: MacCounts) -> list[str]:
    """One line's cells."""
    millions = [counts.inference / 1e6, counts.learning_signal / 1e6, counts.training_step / 1e6]
    signal = ratio(bp.learning_signal, counts.learning_signal)
    step = ratio(bp.training_step, counts.training_step)
    cells = [f"{value:>{width}.3f}" for value, width in zip(millions, (13, 12, 12), strict=True)]
    return [*cells, f"{shown(signal):>12}", f"{shown(step, 3):>10}"]


def shown(value: float | None, digits: int = 1) -> str:
    """A ratio, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
