"""The local loss of a block: projection of its pooled output, softmax error, back-projection."""

from dataclasses import dataclass
from typing import ClassVar

from lls_hw.models.program.ops.base import Op, Operand
from lls_hw.models.spec.geometry import PoolGrid, WeightedLayer
from lls_hw.models.spec.rule import Modulation


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalProject(Op):
    """Pool a block's output to latents z; p_c = sum_t B[c, t] z_t, by additions where B is a sign.

    With the periodic basis latents are normalised, so S = sum z^2 is taken too (`norm`). Vectors that
    are no signs are read from memory and multiplied (`projection`): the table of a sine, which normalises
    as the square basis does, or a random projection, which does not.

    Reads: source, projection. Writes: latent, projected, norm.
    """

    READS: ClassVar = ("source", "projection")
    WRITES: ClassVar = ("latent", "projected", "norm")

    shape: WeightedLayer
    grid: PoolGrid
    rows: int
    latents: int
    source: str
    projection: Operand = None
    latent: str
    projected: str
    norm: Operand = None

    @property
    def signal_macs(self) -> int:
        """rows x latents signed additions a sample."""
        return self.batch * self.rows * self.latents


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalError(Op):
    """Softmax error of one block's local loss, the modulation's gradient, and the coefficients a_c.

    With normalised latents (their `norm`) it also writes the `alignment` sum_j e_j s_j, for the
    normalisation's Jacobian.

    Reads: projected, norm, labels, modulation. Writes: logits, error, coefficients, alignment, modulation_grad.
    """

    READS: ClassVar = ("projected", "norm", "labels", "modulation")
    WRITES: ClassVar = ("logits", "error", "coefficients", "alignment", "modulation_grad")

    rows: int
    classes: int
    modulation_shape: Modulation
    projected: str
    norm: Operand = None
    labels: str
    modulation: Operand = None
    logits: str
    error: str
    coefficients: str
    alignment: Operand = None
    modulation_grad: Operand = None

    @property
    def signal_macs(self) -> int:
        """Products of the modulation: forward, backward and its own gradient."""
        products = {"none": 0, "vector": self.rows, "matrix": self.rows * self.classes}
        return 3 * self.batch * products[self.modulation_shape]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalBackproject(Op):
    """u_t = sum_c a_c B[c, t]; g_t = r (u_t - zhat_t sum_j e_j s_j), or u_t for a random `projection`.

    The latents z, their norm and the alignment sum_j e_j s_j belong to the normalisation, which a
    random projection does without; the table of a sine stands in the place of `projection` and has it.

    Reads: coefficients, alignment, latent, norm, projection. Writes: latent_grad.
    """

    READS: ClassVar = ("coefficients", "alignment", "latent", "norm", "projection")
    WRITES: ClassVar = ("latent_grad",)

    grid: PoolGrid
    rows: int
    latents: int
    coefficients: str
    alignment: Operand = None
    latent: Operand = None
    norm: Operand = None
    projection: Operand = None
    latent_grad: str

    @property
    def signal_macs(self) -> int:
        """rows x latents signed additions a sample."""
        return self.batch * self.rows * self.latents
