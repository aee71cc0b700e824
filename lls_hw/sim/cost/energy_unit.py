"""The price of one event of each kind: pJ with the sources that made it."""

from dataclasses import dataclass
from typing import TypeVar

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import Entry, LeakageSpec, Level, LogicSpec, RandomSpec, SramRow, TechnologySpec
from lls_hw.sim.cost.energy_sram import interpolate

PartT = TypeVar("PartT")
LOCAL_WORD_BITS = 16  # errors and logits of the local unit hold at least 16 bits (docs/design.md, fixed point)


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount (pJ or mW) and the sources behind it; amounts add and scale, sources gather.

    Examples
    --------
    >>> Cost(0.25, ("a",)) * 2 + Cost(0.5, ("b",))
    Cost(amount=1.0, sources=('a', 'b'))
    """

    amount: float
    sources: tuple[str, ...]

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.amount + other.amount, tuple(dict.fromkeys(self.sources + other.sources)))

    def __mul__(self, times: float) -> "Cost":
        return Cost(self.amount * times, self.sources)


def entry_cost(entry: Entry, level: Level, scale: float = 1) -> Cost:
    """An entry's figure per bit (or bit x bit), times `scale`."""
    return Cost(entry.unit_value(level) * scale, (entry.bound(level).source,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of a technology at one level of its spread, for one run's word widths.

    Formulas, with every width in bits:

    - multiply(a, b) = e_mul a b / b0^2, from the sourced point e_mul at b0 x b0
    - add(n) = e_add n / b0; register(n) = e_reg n
    - a unit's operation = its logic + one write of its result register (`accumulator_bits`)
    - divide = accumulator_bits subtractions (one per digit of the result)
    - shift = shifter + rounding addition + result register; requantise = shift + two comparisons
    - peak = one comparison

    Raises
    ------
    SpecError : the technology has no arithmetic.
    """

    technology: TechnologySpec
    precision: Precision
    level: Level = "typical"

    def __post_init__(self) -> None:
        _ = self.logic, self.leakage, self.random

    @property
    def logic(self) -> LogicSpec:
        """Energy of arithmetic, or a refusal."""
        return _present(self.technology.logic, "logic", self.technology)

    @property
    def leakage(self) -> LeakageSpec:
        """Leakage of arithmetic, or a refusal."""
        return _present(self.technology.leakage, "leakage", self.technology)

    @property
    def random(self) -> RandomSpec:
        """Composition of a random draw, or a refusal."""
        return _present(self.technology.random, "random", self.technology)

    @property
    def widest_product(self) -> int:
        """Largest b_a * b_b of the three kinds of narrow product: what a shared multiplier must serve."""
        w, a, e = self.precision.weight_bits, self.precision.activation_bits, self.precision.error_bits
        return max(w * a, w * e, a * e)

    @property
    def local_word_bits(self) -> int:
        """Width of the local unit's multiplier."""
        return max(LOCAL_WORD_BITS, self.precision.error_bits)

    def multiply(self, product_bits: int) -> Cost:
        """A multiplication whose widths multiply to `product_bits`."""
        return entry_cost(self.logic.multiplier, self.level, product_bits)

    def add(self, bits: int) -> Cost:
        """An addition, subtraction or comparison of `bits`-bit words."""
        return entry_cost(self.logic.adder, self.level, bits)

    def register(self, bits: int) -> Cost:
        """A write of `bits` register bits."""
        return entry_cost(self.logic.register_bit, self.level, bits)

    @property
    def result(self) -> Cost:
        """A unit's result register."""
        return self.register(self.precision.accumulator_bits)

    def unit_add(self) -> Cost:
        """An addition in a vector or local lane."""
        return self.add(self.precision.accumulator_bits) + self.result

    def unit_mac(self, product_bits: int) -> Cost:
        """A multiply-add in a vector or local lane."""
        return self.multiply(product_bits) + self.unit_add()

    def unit_multiply(self, product_bits: int) -> Cost:
        """A product in a vector or local lane that nothing is added to."""
        return self.multiply(product_bits) + self.result

    def unit_compare(self) -> Cost:
        """A comparison and the word that it selects."""
        return self._logic_compare(1) + self.result

    def unit_shift(self) -> Cost:
        """A word shifted and rounded."""
        bits = self.precision.accumulator_bits
        return entry_cost(self.logic.shifter, self.level, bits) + self.unit_add()

    def peak(self) -> Cost:
        """A word beside the largest so far; that is rarely replaced, so no register is written."""
        return self._logic_compare(1)

    def _logic_compare(self, times: int) -> Cost:
        return entry_cost(self.logic.comparator, self.level, times * self.precision.accumulator_bits)

    def divide(self) -> Cost:
        """A division or square root by digit recurrence."""
        return self.unit_add() * self.precision.accumulator_bits

    def requantise(self) -> Cost:
        """Shift, round, clamp at both ends, write."""
        return self.unit_shift() + self._logic_compare(2)

    def draw(self) -> Cost:
        """A random draw, composed as the technology says."""
        recipe = self.random
        xor = entry_cost(self.logic.bitwise, self.level, recipe.bits * recipe.bitwise)
        work = self.multiply(recipe.bits**2 * recipe.multiplies) + self.add(recipe.bits * recipe.adds) + xor
        return work + Cost(0.0, (recipe.source,))

    def phase_step(self, phase_bits: int) -> Cost:
        """One addition into a basis generator's phase accumulator."""
        return self.add(phase_bits) + self.register(phase_bits)

    def array_mac(self, product_bits: int) -> Cost:
        """A MAC of the array: a synthesised element where there is one, else multiply + add."""
        element = self.technology.element
        if element is None:
            return self.multiply(product_bits) + self.add(self.precision.accumulator_bits)
        return _element(element.mac, product_bits, self.level, "technology.element.mac")

    def table_row(self, word_bits: int) -> SramRow:
        """The smallest CACTI memory: stands for the softmax table, which is smaller still."""
        return next(row for row in self.technology.sram.rows if row.word_bits == word_bits)

    def leak_element_mw(self, chip: AcceleratorSpec) -> Cost:
        """Leakage of one element of the array: multiplier, adder, operand and partial-sum registers."""
        element = self.technology.element
        if element is not None:
            return _element(element.leakage, self.widest_product, self.level, "technology.element.leakage") * 1e-3
        p = self.precision
        widest = max(p.weight_bits, p.activation_bits, p.error_bits)
        operands = 3 if chip.array.preload_hidden else 2
        return self.leak_mw(self.widest_product, p.accumulator_bits, operands * widest + p.accumulator_bits)

    def leak_mw(self, product_bits: int, adder_bits: int, register_bits: int) -> Cost:
        """Leakage of a multiplier, an adder and registers of these widths."""
        leakage, level = self.leakage, self.level
        multiplier = entry_cost(leakage.multiplier, level, product_bits)
        adder = entry_cost(leakage.adder, level, adder_bits)
        return multiplier + adder + entry_cost(leakage.register_bit, level, register_bits)


def _present(part: PartT | None, name: str, technology: TechnologySpec) -> PartT:
    if part is None:
        raise SpecError(
            f"technology.{name}",
            technology.name,
            f"no published arithmetic of {technology.node_nm} nm and no sourced law to scale another node's",
            "Use cmos_45nm, or add that table with sources to a TOML file of your own.",
        )
    return part


def _element(table: tuple[Entry, ...], product_bits: int, level: Level, where: str) -> Cost:
    """Log-log in b_a * b_b between synthesised square elements, never beyond them."""
    bounds = sorted(((entry.bound(level).bits, entry.bound(level)) for entry in table), key=lambda pair: pair[0])
    points = [(float(bits**2), bound.value) for bits, bound in bounds]
    if not points[0][0] <= product_bits <= points[-1][0]:
        raise SpecError(
            where,
            product_bits,
            f"products of {points[0][0]:g} to {points[-1][0]:g} bits x bits were synthesised",
            "Choose other word widths or a technology without elements.",
        )
    return Cost(interpolate(points, product_bits), (bounds[0][1].source,))
