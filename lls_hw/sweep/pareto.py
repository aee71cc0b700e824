"""Goals of a search, and the Pareto front: the points that nothing beats."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lls_hw.costs.totals import TOTALS, Total
from lls_hw.models.spec.choices import chosen
from lls_hw.sweep.choices import split_list

if TYPE_CHECKING:
    from lls_hw.sweep.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepGoal:
    """A column to make small or large; `per_image` divides a step's figure by its batch."""

    name: str
    column: str
    goal: Literal["minimize", "maximize"] = "minimize"
    per_image: bool = False

    def value(self, row: "Row") -> float | None:
        """The point's figure; None where it has none."""
        found = row[self.column]
        return None if found is None else found / row["batch"] if self.per_image else float(found)

    def badness(self, row: "Row") -> float:
        """A figure that is better when smaller; a point without one is worse than any."""
        found = self.value(row)
        return float("inf") if found is None else found if self.goal == "minimize" else -found


def _objective(total: Total) -> SweepGoal:
    """A total as an objective; one that grows with the batch is judged per image, by its column or divided."""
    divided = total.of_batch and not total.per_image
    return SweepGoal(name=total.objective, column=total.per_image or total.key, per_image=divided)


OBJECTIVES = {
    **{total.objective: _objective(total) for total in TOTALS.values() if total.objective},
    "accuracy": SweepGoal(name="accuracy", column="test_accuracy", goal="maximize"),
}
PROXY = SweepGoal(name="accuracy_proxy", column="accuracy_proxy", goal="maximize")


def parse_objectives(text: str, *, trained: bool) -> tuple[SweepGoal, ...]:
    """Names with commas between; `accuracy` is the proxy where nothing is trained.

    Raises
    ------
    SpecError : an unknown name.

    Examples
    --------
    >>> [one.name for one in parse_objectives("energy,accuracy", trained=False)]
    ['energy', 'accuracy_proxy']
    """
    need, fix = "the objectives are", "Choose among them."
    names = [chosen("--objectives", name, OBJECTIVES, need, fix) for name in split_list("--objectives", text)]
    return tuple(PROXY if name == "accuracy" and not trained else OBJECTIVES[name] for name in names)


def front(rows: "Sequence[Row]", objectives: Sequence[SweepGoal]) -> "list[Row]":
    """The points that no other equals in everything and beats in something, best in the first objective first.

    Examples
    --------
    >>> goals = (OBJECTIVES["sram"], OBJECTIVES["area"])
    >>> rows = [{"id": k, "sram_peak_bytes": a, "area_mm2": b} for k, a, b in (("p", 1, 3), ("q", 2, 3), ("r", 2, 1))]
    >>> [row["id"] for row in front(rows, goals)]
    ['p', 'r']
    """
    scored = sorted(
        ((tuple(one.badness(row) for one in objectives), row) for row in rows), key=lambda one: one[1]["id"]
    )
    whole = [(score, row) for score, row in scored if float("inf") not in score]
    return [whole[at][1] for at in undominated([score for score, _ in whole])]


def undominated(scores: Sequence[tuple[float, ...]]) -> list[int]:
    """Indices of the scores that no other beats, best in the first figure first; less is better.

    A score beats another if it is at least as good in every figure and better in one. Whatever beats a
    score is sorted before it, so each is held against the front so far.

    Examples
    --------
    >>> undominated([(1, 5), (2, 9), (3, 4), (1, 5), (4, 4)])
    [0, 3, 2]
    """
    found: list[int] = []
    for at in sorted(range(len(scores)), key=lambda at: scores[at]):
        if not any(_beats(scores[other], scores[at]) for other in found):
            found.append(at)
    return found


def front_line(points: Sequence[tuple[float, float]], *, lower_x: bool, lower_y: bool) -> list[int]:
    """The front of two measures as a line: indices by x; of equal points the first stands for all.

    Examples
    --------
    >>> front_line([(1, 5), (2, 9), (3, 7), (4, 9), (2, 9)], lower_x=True, lower_y=False)
    [0, 1]
    """
    ways = (1 if lower_x else -1, 1 if lower_y else -1)
    scores = [(ways[0] * x, ways[1] * y) for x, y in points]
    firsts = {scores[at]: at for at in reversed(undominated(scores))}
    return sorted(firsts.values(), key=lambda at: points[at][0])


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
