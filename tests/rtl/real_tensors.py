"""Operands that a real photograph makes in layers of vww_cnn: 8-bit activations against 8-bit weights.

A plain NumPy forward pass with PyTorch's default range of initial weights and BatchNorm over the one
image; every product's operands are cut to 8 bits with a power-of-two scale, as dynamic fixed point does.
"""

from pathlib import Path

import numpy as np

IMAGES = Path(__file__).resolve().parents[3] / "shared" / "data" / "vww_sample" / "images"
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))
PIXELS, FILTERS = 11, 10  # of each product; k is the layer's own


def vww_products():
    """([(a, b)], "") with products of conv1, block3 and block8, or ([], why there are none)."""
    files = sorted(IMAGES.glob("*.jpg")) if IMAGES.exists() else []
    if not files:
        return [], f"no photographs in {IMAGES}"
    from PIL import Image

    with Image.open(files[0]) as image:
        pixels = np.asarray(image.convert("RGB").resize((128, 128)), np.float64) / 255 - 0.5
    rng = np.random.default_rng(0)
    x = pixels.transpose(2, 0, 1)
    products = []
    columns = np.stack([tap for channel in x for tap in taps(channel, 2)]).reshape(27, -1).T
    x = activate(multiply(products, columns, weights(rng, 27, 32), keep=True), 64)
    for number, (channels, stride) in enumerate(BLOCKS, start=2):
        kernels = weights(rng, 9, len(x))
        filtered = [np.tensordot(kernels[:, c], taps(channel, stride), 1) for c, channel in enumerate(x)]
        side = filtered[0].shape[0]
        x = activate(np.stack(filtered).reshape(len(x), -1).T, side)
        flat = x.reshape(len(x), -1).T
        x = activate(multiply(products, flat, weights(rng, len(x), channels), keep=number in (3, 8)), side)
    return products, ""


def weights(rng, fan_in, filters):
    """PyTorch's default range of initial weights."""
    return rng.uniform(-1, 1, (fan_in, filters)) / fan_in**0.5


def taps(channel, stride):
    """The nine shifted copies of a map padded by one."""
    padded = np.pad(channel, 1)
    height, width = channel.shape
    return [padded[r : r + height : stride, c : c + width : stride] for r in range(3) for c in range(3)]


def codes(values):
    """8-bit codes with the largest power-of-two scale that fits, and the scale."""
    scale = 2.0 ** np.floor(np.log2(127 / np.abs(values).max()))
    return np.rint(values * scale).astype(np.int64), scale


def multiply(products, a, b, *, keep):
    """a @ b from 8-bit codes; a corner of the product is kept as a case."""
    (left, left_scale), (right, right_scale) = codes(a), codes(b)
    if keep:
        middle = len(left) // 2
        products.append((left[middle : middle + PIXELS].tolist(), right[:, :FILTERS].tolist()))
    return left @ right / (left_scale * right_scale)


def activate(rows, side):
    """BatchNorm over the image, LeakyReLU; (channels, side, side)."""
    normal = (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5)
    return np.where(normal > 0, normal, 0.01 * normal).T.reshape(-1, side, side)
