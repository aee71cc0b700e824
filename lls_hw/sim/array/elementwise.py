"""Formulas that serve one tile and a whole table of them alike: their sizes are integers or integer arrays.

What a tile does is arithmetic on its sizes. The mapper asks it of every tile of every candidate at once, so the
formulas take arrays where they take integers, and compare with these functions instead of `max`, `min` and `if`.
Sizes are annotated as what they are of one tile, `int`; integers in give integers out.
"""

from collections.abc import Callable
from typing import Any, cast

# numpy is imported where arrays are met: plans of single tiles, as `lls-hw cycles` makes, start without it


def are_ints(*values: Any) -> bool:  # noqa: ANN401  (integers or arrays of them)
    """Whether all of them are plain integers."""
    return all(isinstance(value, int) for value in values)


def greatest(first: int, *others: int) -> int:
    """The largest, element by element.

    Examples
    --------
    >>> import numpy as np
    >>> greatest(3, 5, 4), greatest(np.array([3, 9]), 5).tolist()
    (5, [5, 9])
    """
    if are_ints(first, *others):
        return max((first, *others))
    import numpy as np

    found = first
    for other in others:
        found = cast("int", np.maximum(found, other))
    return found


def least(first: int, *others: int) -> int:
    """The smallest, element by element."""
    if are_ints(first, *others):
        return min(first, *others)
    import numpy as np

    found = first
    for other in others:
        found = cast("int", np.minimum(found, other))
    return found


def pick(condition: bool, then: int, otherwise: int) -> int:
    """`then` where the condition holds.

    Examples
    --------
    >>> import numpy as np
    >>> pick(2 > 1, 5, 6), pick(np.array([2, 1]) > 1, 5, 6).tolist()
    (5, [5, 6])
    """
    if isinstance(condition, bool):
        return then if condition else otherwise
    import numpy as np

    return cast("int", np.where(condition, then, otherwise))


def any_below(size: int, limit: int) -> bool:
    """Whether it, or any element of it, is smaller."""
    if isinstance(size, int):
        return size < limit
    import numpy as np

    return bool(np.any(np.less(size, limit)))


def each(function: Callable[..., int], *sizes: int) -> int:
    """A function of integers, called once for every different combination of its arguments.

    Examples
    --------
    >>> import numpy as np
    >>> each(max, 1, 2), each(max, np.array([[1], [4]]), np.array([2, 3])).tolist()
    (2, [[2, 3], [4, 4]])
    """
    if are_ints(*sizes):
        return function(*sizes)
    import numpy as np

    spread = np.broadcast_arrays(*sizes)
    rows, at = np.unique(np.stack([one.ravel() for one in spread]), axis=1, return_inverse=True)
    found = np.array([function(*row) for row in rows.T.tolist()], np.int64)
    return cast("int", found[at.ravel()].reshape(spread[0].shape))
