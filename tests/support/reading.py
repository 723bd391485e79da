"""What the tests of reading photos share."""

from __future__ import annotations

import numpy as np

from tests.support.odd_files import (
    scene,
)

PIXELS = np.asarray(scene())
