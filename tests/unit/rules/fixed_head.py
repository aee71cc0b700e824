"""A rule of a user's own, whole in this file: no file of the package knows of it.

Each block has a fixed random linear classifier that is never trained; its error is sent back through it.
"""

from collections.abc import Sequence

from lls_hw import Rule
from lls_hw.models.program.backward import classifier_loss
from lls_hw.models.program.builder import Builder
from lls_hw.models.rules.blocks import BlockError, grid_of, lower_blocks
from lls_hw.models.rules.local_losses import back_through, channel_major, classifier_of, pooled_latent, window_major
from lls_hw.models.rules.rule import State
from lls_hw.models.spec.geometry import WeightedLayer


def head_of(layer: WeightedLayer, classes: int) -> WeightedLayer:
    return classifier_of(layer, classes, bias=False)


def head_error(b: Builder, layer: WeightedLayer, h: str) -> str:
    head, z = head_of(layer, b.network.classes), pooled_latent(b, layer, h)
    logits = b.logits(head)
    b.product(head, "local_error", source=z, weight=b.weight(head), out=logits)
    error = classifier_loss(b, head, logits, stage="local_error", temperature=b.rule.temperature)
    return back_through(b, layer, head, error)


def lower_fixed_head(b: Builder) -> None:
    lower_blocks(b, BlockError(ops=head_error, holds="means"))


def shape(layer, rule, classes):
    return classes, grid_of(layer).latents(layer.out_c)


def first(rng, shape, columns):
    return rng.standard_normal(shape) / shape[1] ** 0.5


FIXED_HEAD = Rule(
    name="fixed_head",
    note="a fixed random linear classifier per block",
    lower=lower_fixed_head,
    reference=f"{__name__}:REFERENCE",
    state=(
        State(
            short="head",
            shape=shape,
            first=first,
            trained=False,
            tensor=lambda layer, short: f"{layer}.local/weight",
            to_chip=window_major,
            from_chip=channel_major,
        ),
    ),
    constants=frozenset({"temperature"}),
)


def __getattr__(name: str):
    """The float reference, made when somebody asks for it: torch is not imported with the record."""
    if name != "REFERENCE":
        raise AttributeError(name)
    from lls_hw.models.reference.local_loss import loss_term
    from lls_hw.models.reference.rules.rule import FloatRule, latent_values

    def term(reference, layer, tape, labels):
        head, temperature = reference.state(layer)["head"], reference.rule.temperature
        return loss_term(reference, layer, tape, labels, lambda z: z @ head.T / temperature)

    def signal_macs(layers: Sequence[WeightedLayer], rule, classes: int) -> int:
        return 2 * classes * latent_values(layers)

    return FloatRule(term=term, signal_macs=signal_macs)
