"""Events on the chip, counted: integers that add. Prices come later (`energy.py`)."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Events of a tile, an op, a stage or a run; `Counts()` is zero and `+` adds field by field.

    They say *how many*; operand widths are those of the run's `Precision`. One vocabulary serves both
    engines: `FIELDS` names the field of a class of events on the vector and on the local unit.

    Parameters
    ----------
    macs : multiply-accumulates of the systolic array, whatever their operands. Zeros that pad an
        edge fold are not counted: they switch nothing.
    macs_weight_error : those of `macs` that multiply a weight by an error (input gradients).
    macs_activation_error : those of `macs` that multiply an activation by an error (weight
        gradients). The rest multiply a weight by an activation.
    array_register_bits : bits written into the array's operand and partial-sum registers: each MAC of
        the array moves one operand and one partial sum on; preloads shift their words down the rows.
        Ignored by a technology of synthesised elements, whose MAC includes its registers.
    scratchpad_read_words : words of `scratchpad.word_bits` read, partial sums that lie there included.
    scratchpad_write_words : words of `scratchpad.word_bits` written, partial sums that lie there included.
    accumulator_reads : entries of the accumulators below the array read, one a column each: to add, or to narrow.
    accumulator_writes : entries of the accumulators written.
    second_read_words : words of the second memory on the chip read (`second.word_bits` each).
    second_write_words : words of it written.
    dram_read_bytes : bytes that cross the pins towards the chip, whole bursts.
    dram_write_bytes : bytes that cross the pins away from the chip, whole bursts.
    dram_activates : rows opened (each is closed again: activate and precharge).
    dram_active_cycles : cycles in which a request to the DRAM is on its way: active standby.
    dram_standby_cycles : cycles without one until its rows are closed: precharge standby.
    dram_power_down_cycles : cycles in power-down.
    dram_self_refresh_cycles : cycles in self refresh, the PHY asleep.
    scratchpad_macro_cycles : cycles of each of the scratchpad's macros that hold something.
    vector_macs : multiply-adds of narrow codes on the vector unit (depthwise convolution, pooling weights).
    vector_wide_macs : multiply-adds of master-wide words on the vector unit: a product that is added to
        something as it leaves the multiplier (BatchNorm's scale and sums, momentum).
    vector_multiplies : products of master-wide words on the vector unit that nothing is added to
        (LeakyReLU's slope, the learning rate).
    vector_adds : additions and subtractions of accumulator words on the vector unit.
    vector_compares : comparisons on the vector unit, with the selection each decides: a maximum, a
        minimum, one end of a clamp, LeakyReLU's side.
    vector_shifts : words of the vector unit shifted by an amount that data decide, and rounded. A shift
        by a constant of the design is wires and no event.
    vector_divides : divisions and square roots on the vector unit, by digit recurrence: one
        subtraction per bit of the result.
    requantises : words of the vector unit shifted, rounded and clamped to a narrow code.
    local_macs : multiply-adds of the local unit (squares, modulation, alignment).
    local_multiplies : its products that nothing is added to (by rsqrt, by 1/T).
    local_adds : its additions: pool sums, projection, back-projection, softmax.
    local_compares : its comparisons, with what they select.
    local_shifts : its rounding shifts by amounts that data decide.
    local_divides : its divisions and square roots.
    local_requantises : words that it narrows to codes.
    local_table_reads : reads of the softmax table.
    phase_steps : steps of a basis generator's phase accumulator, one per class and latent.
    rng_draws : draws of the counter-based random number generator.
    peaks : words that pass a peak detector, which keeps the largest magnitude for the scale to come.

    Raises
    ------
    AssertionError : a count is negative, or the two parts of `macs` exceed it; whoever counted is wrong.

    Examples
    --------
    >>> both = Counts(macs=5, dram_read_bytes=64) + Counts(macs=2, macs_weight_error=2)
    >>> both.macs, both.macs_weight_activation, both.dram_read_bytes
    (7, 5, 64)
    >>> sum([both, both], Counts()) == both + both
    True
    """

    macs: int = 0
    macs_weight_error: int = 0
    macs_activation_error: int = 0
    array_register_bits: int = 0
    scratchpad_read_words: int = 0
    scratchpad_write_words: int = 0
    accumulator_reads: int = 0
    accumulator_writes: int = 0
    second_read_words: int = 0
    second_write_words: int = 0
    dram_read_bytes: int = 0
    dram_write_bytes: int = 0
    dram_activates: int = 0
    dram_active_cycles: int = 0
    dram_standby_cycles: int = 0
    dram_power_down_cycles: int = 0
    dram_self_refresh_cycles: int = 0
    scratchpad_macro_cycles: int = 0
    vector_macs: int = 0
    vector_wide_macs: int = 0
    vector_multiplies: int = 0
    vector_adds: int = 0
    vector_compares: int = 0
    vector_shifts: int = 0
    vector_divides: int = 0
    requantises: int = 0
    local_macs: int = 0
    local_multiplies: int = 0
    local_adds: int = 0
    local_compares: int = 0
    local_shifts: int = 0
    local_divides: int = 0
    local_requantises: int = 0
    local_table_reads: int = 0
    phase_steps: int = 0
    rng_draws: int = 0
    peaks: int = 0

    def __post_init__(self) -> None:
        for name in NAMES:
            if getattr(self, name) < 0:
                raise AssertionError(f"{getattr(self, name)} {name}: events are counted from 0 ({self})")
        if self.macs_weight_activation < 0:
            raise AssertionError(f"{self.macs} macs are fewer than their parts ({self})")

    @property
    def macs_weight_activation(self) -> int:
        """Those of `macs` that multiply a weight by an activation (forward)."""
        return self.macs - self.macs_weight_error - self.macs_activation_error

    def __add__(self, other: "Counts") -> "Counts":
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in NAMES})

    def __mul__(self, times: int) -> "Counts":
        """The counts of `times` identical tiles."""
        return Counts(**{name: getattr(self, name) * times for name in NAMES})


NAMES = tuple(field.name for field in fields(Counts))

_OWN_CIRCUITS = {"draws": "rng_draws", "peaks": "peaks", "phase_steps": "phase_steps"}

FIELDS: dict[str, dict[str, str]] = {
    "vector": {
        "narrow_macs": "vector_macs",
        "macs": "vector_wide_macs",
        "multiplies": "vector_multiplies",
        "adds": "vector_adds",
        "compares": "vector_compares",
        "shifts": "vector_shifts",
        "divides": "vector_divides",
        "requantises": "requantises",
        **_OWN_CIRCUITS,
    },
    "local": {
        "macs": "local_macs",
        "multiplies": "local_multiplies",
        "adds": "local_adds",
        "compares": "local_compares",
        "shifts": "local_shifts",
        "divides": "local_divides",
        "requantises": "local_requantises",
        "table_reads": "local_table_reads",
        **_OWN_CIRCUITS,
    },
}
"""Unit and class of events to the field of `Counts` that holds them."""

LANE_EVENTS = tuple(dict.fromkeys(field for fields in FIELDS.values() for field in fields.values()))
"""Everything that the vector and the local unit do: what both engines count, op by op, and must agree on."""
