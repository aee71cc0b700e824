"""The local loss of one sample over the reals (60 decimal digits), and its sums over the integers."""

from decimal import Decimal, getcontext

getcontext().prec = 60
ZERO, ONE = Decimal(0), Decimal(1)


def rsqrt(norm: int) -> Decimal:
    """1 / sqrt(norm), and zero for zero."""
    return ONE / Decimal(norm).sqrt() if norm else ZERO


def softmax(logits: list) -> list:
    """exp(s_j) / sum exp(s)."""
    top = max(logits)
    weights = [(s - top).exp() for s in logits]
    total = sum(weights)
    return [w / total for w in weights]


def project(z: list, basis: list) -> tuple:
    """(p_c = sum_t B[c][t] z_t, sum z**2)."""
    return [sum(b * v for b, v in zip(row, z, strict=True)) for row in basis], sum(v * v for v in z)


def scaled(p: list, norm: int, temperature: Decimal) -> list:
    """p_c r / T."""
    return [Decimal(v) * rsqrt(norm) / temperature for v in p]


def logits(unit: list, kind: str, modulation: list) -> list:
    """s_c, m_c s_c or sum_c s_c M[c][j]."""
    if kind == "none":
        return unit
    if kind == "vector":
        return [m * s for m, s in zip(modulation, unit, strict=True)]
    return [sum((s * row[j] for s, row in zip(unit, modulation, strict=True)), ZERO) for j in range(len(modulation[0]))]


def error(values: list, label: int, batch: int, smoothing: Decimal = ZERO) -> list:
    """(softmax - target) / batch."""
    count = len(values)
    targets = [smoothing / count + (1 - smoothing if j == label else 0) for j in range(count)]
    return [(p - t) / batch for p, t in zip(softmax(values), targets, strict=True)]


def coefficients(errors: list, kind: str, modulation: list, temperature: Decimal) -> list:
    """e_c / T, m_c e_c / T or sum_j M[c][j] e_j / T."""
    if kind == "none":
        return [e / temperature for e in errors]
    if kind == "vector":
        return [m * e / temperature for m, e in zip(modulation, errors, strict=True)]
    return [sum((m * e for m, e in zip(row, errors, strict=True)), ZERO) / temperature for row in modulation]


def gradient(a: list, along: Decimal, z: list, norm: int, basis: list) -> list:
    """g_t = r (sum_c a_c B[c][t] - zhat_t along)."""
    r = rsqrt(norm)
    return [
        r * (sum((c * row[t] for c, row in zip(a, basis, strict=True)), ZERO) - Decimal(z[t]) * r * along)
        for t in range(len(z))
    ]


def loss(z: list, basis: list, label: int, temperature: Decimal) -> Decimal:
    """Cross-entropy of LLS as a function of the latents, for a difference quotient."""
    p, norm = project(z, basis)
    return -softmax(scaled(p, norm, temperature))[label].ln()
