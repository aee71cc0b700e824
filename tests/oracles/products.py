"""Convolutions by their definition, and the accumulator they are summed in, in Python integers."""

from dataclasses import dataclass
from itertools import product


@dataclass
class Register:
    """Accumulator of `bits` bits that saturates or wraps at every addition, and counts."""

    bits: int
    wraps: bool
    overflows: int = 0

    def add(self, held: int, term: int) -> int:
        low, high = -(2 ** (self.bits - 1)), 2 ** (self.bits - 1) - 1
        exact = held + term
        if low <= exact <= high:
            return exact
        self.overflows += 1
        return (exact - low) % 2**self.bits + low if self.wraps else min(max(exact, low), high)


@dataclass
class Window:
    """A sliding window over (height, width) with stride and zero padding."""

    kernel: tuple
    stride: int
    padding: int
    size: tuple  # of the input map
    out: tuple

    def taps(self, oy: int, ox: int):
        """(ky, kx, y, x) of every tap; y is None on the padding. Row-major."""
        for ky, kx in product(range(self.kernel[0]), range(self.kernel[1])):
            y, x = oy * self.stride - self.padding + ky, ox * self.stride - self.padding + kx
            inside = 0 <= y < self.size[0] and 0 <= x < self.size[1]
            yield (ky, kx, y, x) if inside else (ky, kx, None, None)


def folded(register: Register, start: int, terms: list, rows: int | None) -> int:
    """`rows` terms at a time (None: all) chain from zero; the accumulator adds each chain."""
    total, rows = start, rows or len(terms)
    for k in range(0, len(terms), rows):
        chain = 0
        for term in terms[k : k + rows]:
            chain = register.add(chain, term)
        total = register.add(total, chain)
    return total


def forward(register, window, x, w, bias, rows):
    """y[n, oy, ox, o] = bias[o] + sum_{ky, kx, c} x w, in that order of the inner index."""
    batch, channels, outputs = len(x), len(x[0][0][0]), len(bias)
    result = []
    for n, oy, ox in product(range(batch), range(window.out[0]), range(window.out[1])):
        line = []
        for o in range(outputs):
            terms = [
                0 if y is None else x[n][y][xx][c] * w[ky][kx][c][o]
                for ky, kx, y, xx in window.taps(oy, ox)
                for c in range(channels)
            ]
            line.append(folded(register, bias[o], terms, rows))
        result.append(line)
    return result


def weight_gradient(register, window, x, delta, rows):
    """dw[ky, kx, c, o] = sum over positions (n, oy, ox) of x delta; delta is (positions, o)."""
    batch, channels, outputs = len(x), len(x[0][0][0]), len(delta[0])
    places = list(product(range(batch), range(window.out[0]), range(window.out[1])))
    result = []
    for ky, kx, c in product(range(window.kernel[0]), range(window.kernel[1]), range(channels)):
        line = []
        for o in range(outputs):
            terms = []
            for p, (n, oy, ox) in enumerate(places):
                y, xx = next(t[2:] for t in window.taps(oy, ox) if t[:2] == (ky, kx))
                terms.append(0 if y is None else x[n][y][xx][c] * delta[p][o])
            line.append(folded(register, 0, terms, rows))
        result.append(line)
    return result


def input_gradient(register, window, delta, w, rows):
    """dx[n, y, x, c]: each tap's folded sum over outputs is one addition into the input map."""
    channels = len(w[0][0])
    outputs = len(w[0][0][0])
    result = [[[[0] * channels for _ in range(window.size[1])] for _ in range(window.size[0])] for _ in delta]
    for n, oy, ox in product(range(len(delta)), range(window.out[0]), range(window.out[1])):
        for ky, kx, y, xx in window.taps(oy, ox):
            for c in range(channels):
                terms = [delta[n][oy][ox][o] * w[ky][kx][c][o] for o in range(outputs)]
                column = folded(register, 0, terms, rows)
                if y is not None:
                    result[n][y][xx][c] = register.add(result[n][y][xx][c], column)
    return result


def depthwise(register, window, direction, x, w, out):
    """One accumulator an output, images, positions and taps in row-major order; updates in place."""
    channels = len(w[0][0])
    for n, oy, ox in product(range(len(x)), range(window.out[0]), range(window.out[1])):
        for ky, kx, y, xx in window.taps(oy, ox):
            if y is None:
                continue
            a, b, c = x[n][y][xx], w[ky][kx], out[n][oy][ox]
            for k in range(channels):
                if direction == "forward":
                    c[k] = register.add(c[k], a[k] * b[k])
                elif direction == "input_grad":
                    a[k] = register.add(a[k], c[k] * b[k])
                else:
                    b[k] = register.add(b[k], a[k] * c[k])
