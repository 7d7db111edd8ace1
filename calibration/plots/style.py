"""The look of the plots: colours that the colour-blind can distinguish (Okabe and Ito, 2008), and little ink."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from market_making.market.errors import ConfigurationError

BLUE, ORANGE, VERMILION = "#0072B2", "#E69F00", "#D55E00"
INK, GREY, FAINT = "#222222", "#767676", "#d9d9d9"
_DOTS_PER_INCH = 150
_NEEDS_LATEX = {"pgf"}
_LOOK: dict[Any, Any] = {
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "legend.fontsize": 8.5,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the look of this project; the reader's own settings come back afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_LOOK)
        yield


def check_picture(path: Path) -> None:
    """Check beforehand whether a plot can be written; nothing is.

    Raises
    ------
    ConfigurationError
        If there is no format of this ending, or no place for the file.
    """
    formats = sorted(set(Figure().canvas.get_supported_filetypes()) - _NEEDS_LATEX)
    if path.suffix[1:].lower() not in formats:
        raise ConfigurationError(f"cannot draw into {path}: accepted endings are {', '.join(formats)}")
    if path.exists():
        if not path.is_file() or not os.access(path, os.W_OK):
            raise ConfigurationError(f"cannot draw into {path}: it is no file, or one that may not be written")
        return
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(f"cannot draw into {path}: {folder} is no folder, or one that may not be written to")


def save(figure: Figure, path: Path) -> None:
    """Write a plot; the ending of the file names the format.

    Raises
    ------
    ConfigurationError
        If there is no such format, or no place for the file.
    """
    check_picture(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DOTS_PER_INCH, facecolor="white")
