"""An independent reference implementation, the oracle of the tests.

Plain Python, written from the definitions alone for clarity and not for speed: dictionaries,
loops, brute force where feasible. It imports nothing of the project.
"""

from .annotations import Annotations, read_coco, read_open_images
from .pipeline import build

__all__ = ["Annotations", "build", "read_coco", "read_open_images"]
