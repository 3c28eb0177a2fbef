"""A notebook of a few cells, and a process of its own that runs it."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HUGE = "import numpy; numpy.ones(2_000_000_000, 'uint8')"
PARENT = """
import signal
import sys
from pathlib import Path
from flows.record.folder import claim
from flows.notebook.execute import run_notebook
signal.signal(signal.SIGINT, signal.default_int_handler)  # which whatever runs in the background ignores
claim(Path(sys.argv[2]), Path(sys.argv[1]), {"market": "m"})
run_notebook(Path(sys.argv[2]), {"number": 1}, print)
"""


def write(folder, *cells, kernel="python3"):
    parameters = new_code_cell("number = 1", metadata={"tags": ["parameters"]})
    book = new_notebook(cells=[new_markdown_cell("# Small"), parameters, *map(new_code_cell, cells)])
    book.metadata["kernelspec"] = {"name": kernel, "display_name": "Python 3", "language": "python"}
    path = folder / "small.ipynb"
    nbformat.write(book, path)
    return path
