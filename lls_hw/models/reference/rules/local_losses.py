"""Local losses in real numbers: s = (z W^T + b) / T with trained W (and b, where given)."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from lls_hw.models.reference.local_loss import fitted, loss_term
from lls_hw.models.reference.network import Reference, Tape
from lls_hw.models.reference.rules.rule import FloatRule, latent_values
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.rule import RuleSpec


def _term(reference: Reference, layer: WeightedLayer, tape: Tape, labels: Tensor) -> Tensor:
    """The cross-entropy of the block's own classifier."""
    state, temperature = reference.state(layer), reference.rule.temperature

    def logits(z: Tensor) -> Tensor:
        weight = fitted(state["local_weight"], z.shape[1])
        return functional.linear(z, weight, state.get("local_bias")) / temperature

    return loss_term(reference, layer, tape, labels, logits)


def _signal_macs(layers: Sequence[WeightedLayer], rule: RuleSpec, classes: int) -> int:
    """The classifiers' forward products and their input gradients."""
    return 2 * classes * latent_values(layers)


def _gradient_macs(layers: Sequence[WeightedLayer], rule: RuleSpec, classes: int) -> int:
    """The classifiers' weight gradients."""
    return classes * latent_values(layers)


LOCAL_LOSSES = FloatRule(
    term=_term, signal_macs=_signal_macs, state_gradient_macs=_gradient_macs, golden={"feedback": "local_weight"}
)
