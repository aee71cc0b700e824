"""Labelled pictures for the engines: readers of published sets, drawn scenes, batches, augmentations.

Importing this wing costs numpy and the standard library; Pillow is imported when a picture is read.
"""

from lls_hw.models.data.augment import PUBLISHED, Augmentation, augment
from lls_hw.models.data.images import Images, LazyImages, Pictures, normalise
from lls_hw.models.data.load import kind_of, load_data
from lls_hw.models.data.sampling import batch
from lls_hw.models.data.summary import look_at_all, summary

__all__ = [
    "PUBLISHED",
    "Augmentation",
    "Images",
    "LazyImages",
    "Pictures",
    "augment",
    "batch",
    "kind_of",
    "load_data",
    "look_at_all",
    "normalise",
    "summary",
]
