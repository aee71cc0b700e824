"""Fixed-point formats: a code is the stored integer, its value is code * 2**-frac_bits."""

from dataclasses import dataclass

from lls_hw.models.spec.errors import SpecError

MAX_TOTAL_BITS = 62  # products and sums are held in int64 with one bit to spare


@dataclass(frozen=True, slots=True, kw_only=True)
class QFormat:
    """Signed two's-complement format; `frac_bits` may be negative or exceed `total_bits`.

    Examples
    --------
    >>> q = QFormat(total_bits=8, frac_bits=7)
    >>> q.code_min, q.code_max, q.lsb
    (-128, 127, 0.0078125)
    """

    total_bits: int
    frac_bits: int

    def __post_init__(self) -> None:
        if not 2 <= self.total_bits <= MAX_TOTAL_BITS:
            raise SpecError(
                "format.total_bits",
                self.total_bits,
                "a signed word has a sign and at least one more bit",
                f"Use 2 to {MAX_TOTAL_BITS}.",
            )

    @property
    def code_max(self) -> int:
        """Largest code."""
        return (1 << (self.total_bits - 1)) - 1

    @property
    def code_min(self) -> int:
        """Smallest code."""
        return -(1 << (self.total_bits - 1))

    @property
    def lsb(self) -> float:
        """Value of code 1 (for reports and tests; never used on the integer path)."""
        return 2.0**-self.frac_bits


def storage_bytes(elements: int, bits: int) -> int:
    """Bytes that `elements` codes of `bits` bits occupy when packed without gaps."""
    return -(-elements * bits // 8)
