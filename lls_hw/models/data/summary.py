"""Contents of a data set, said before anything is learnt from it; and a look at every picture of it."""

from collections.abc import Callable

import numpy as np

from lls_hw.models.data.images import Images, Labels, LazyImages

_MOST_COUNTED = 12


def summary(images: Images) -> tuple[str, ...]:
    """Lines for people: what the reader decided, pictures by class of both splits, and what is odd about them."""
    lines = [*images.notes]
    for which, labels in (("training", images.train_labels), ("test", images.test_labels)):
        lines.append(f"{len(labels)} {which} pictures{_by_class(labels, images.classes)}")
    present = np.unique(images.train_labels)
    if len(present) == 1:
        lines.append(f"every training picture is of class {present[0]}: there is nothing to tell apart")
    return tuple(lines)


def _by_class(labels: Labels, classes: int) -> str:
    counts = np.bincount(labels, minlength=classes)
    if not len(labels):
        return ""
    if classes <= _MOST_COUNTED:
        return ", by class " + ", ".join(f"{label}: {count}" for label, count in enumerate(counts))
    least, most = int(counts.argmin()), int(counts.argmax())
    return f", from {counts[least]} of class {least} to {counts[most]} of class {most}"


def look_at_all(images: Images, between: Callable[[int, int], None] = lambda _done, _total: None) -> None:
    """Make every picture that is decoded from a file once, so that a broken one is said before any work.

    `between` is called with how many were looked at, of how many, and may raise to stop.

    Raises
    ------
    SpecError : one cannot be decoded or converted.
    """
    parts = [part for part in (images.train_images, images.test_images) if isinstance(part, LazyImages)]
    total = sum(len(part) for part in parts) if images.files else 0
    done = 0
    for part in parts if total else ():
        for place in range(len(part)):
            part[place]
            done += 1
            between(done, total)
