"""A forecaster that ends the worker which asks it, so many times."""

import os
from pathlib import Path

from footfall.models import WeekdaySmoother


class Deadly(WeekdaySmoother):
    """Of a batch with series `of`, ends its process until there are `times` marks in the folder."""

    def __init__(self, of, folder, times):
        self.of = of
        self.folder = folder
        self.times = times
        super().__init__()

    def _fit(self, y, X, fh):
        here = self.of in [name[0] for name in y]
        if here and len(marks := [*Path(self.folder).iterdir()]) < self.times:
            (Path(self.folder) / str(len(marks))).touch()
            os._exit(9)
        return super()._fit(y, X, fh)
