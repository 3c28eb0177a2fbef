"""What a notebook leaves in its ``out`` folder, for the flow to carry on: figures as PNG, everything else as JSON."""

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from footfall.plots import png


def keep(out: str | Path, **results: Any) -> None:
    """Write each result under its own name: ``keep(out, metrics={…}, week=figure)``.

    Parameters
    ----------
    out : str or Path
        The notebook's own folder; made if absent.
    **results : dict, list or Figure
        A figure becomes ``<name>.png``, anything else ``<name>.json``.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for name, result in results.items():
        if isinstance(result, Figure):
            (folder / f"{name}.png").write_bytes(png(result))
        else:
            (folder / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False), encoding="utf-8")
