"""The fixed periodic basis: definition, single precision, phase accumulator."""

import math

import numpy as np
import pytest

from lls_hw.models.reference.basis import phase_basis, square_basis
from lls_hw.models.reference.initial import latent_length, weighted_layers
from lls_hw.models.registry import load_network, names
from lls_hw.models.spec.errors import SpecError

SIGN_DIFFERENCES = {
    "mlperf_tiny_vww": (0, 11776),
    "mobilenet_v1": (497, 235520),
    "smallconv": (6, 17920),
    "smallconv_l": (136, 64000),
    "vgg11": (329, 158720),
    "vgg8": (196, 102400),
    "vww_cnn": (0, 26624),
}
"""Signs of the single-precision basis that differ from the definition, and how many there are, over
all layers of the shipped network with its own classes."""


def local_shapes(net: str) -> list[tuple[int, int]]:
    network = load_network(net)
    return [(network.classes, latent_length(layer)) for layer in weighted_layers(network) if layer.local is not None]


def test_square_basis__refimp() -> None:
    basis = square_basis(4, 9)
    for c in range(4):
        for t in range(1, 9):
            assert basis[c, t] == math.copysign(1.0, math.sin((50 + 154 * c) * t))


def test_square_basis__first_column_is_zero_in_every_variant() -> None:
    variants = [square_basis(5, 30), square_basis(5, 30, dtype="float32"), square_basis(5, 30, waveform="cosine")]
    for basis in [*variants, phase_basis(5, 30)]:
        assert not basis[:, 0].any()
        assert basis[:, 1:].all()


def test_square_basis__cosine_is_a_sine() -> None:
    expect = np.sin(np.outer([50.0, 512.0], np.arange(6)))
    np.testing.assert_array_equal(square_basis(2, 6, waveform="cosine"), expect)


def test_square_basis__single_precision_differs_in_a_few_signs() -> None:
    exact, single = square_basis(10, 2048), square_basis(10, 2048, dtype="float32")
    assert single.dtype == np.float32
    assert 0.0005 < np.mean(exact != single) < 0.004


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 10, 20, 100])
def test_square_basis__single_precision_frequencies_are_those_of_torch(rows: int) -> None:
    torch = pytest.importorskip("torch")
    angle = torch.linspace(50, 512, rows)[:, None] * torch.arange(64, dtype=torch.float32)
    np.testing.assert_allclose(
        square_basis(rows, 64, waveform="cosine", dtype="float32"), torch.sin(angle).numpy(), rtol=0, atol=2e-7
    )


@pytest.mark.parametrize("net", names("nets"))
def test_phase_basis__equals_the_definition_for_shipped_networks(net: str) -> None:
    for shape in local_shapes(net):
        np.testing.assert_array_equal(phase_basis(*shape), square_basis(*shape))


@pytest.mark.parametrize("net", names("nets"))
def test_square_basis__sign_differences_of_shipped_networks(net: str) -> None:
    shapes = local_shapes(net)
    differing = sum(int((square_basis(*s) != square_basis(*s, dtype="float32")).sum()) for s in shapes)
    assert (differing, sum(rows * length for rows, length in shapes)) == SIGN_DIFFERENCES[net]


def test_basis__refuses_empty_shapes() -> None:
    with pytest.raises(SpecError, match=r"^basis\.rows = 0: a basis has at least one row\. "):
        square_basis(0, 4)
    with pytest.raises(SpecError, match=r"^basis\.length = 0: a basis has at least one sample\. "):
        square_basis(4, 0)
    with pytest.raises(SpecError, match=r"^basis\.phase_bits = 64: the accumulator has 2 to 48 bits\. "):
        phase_basis(2, 4, phase_bits=64)
