"""Pictures of calibrations and of scans: the only package that needs matplotlib."""

from calibration.plots.estimates import Subject, plot_calibration
from calibration.plots.ranking import plot_scan

__all__ = ["Subject", "plot_calibration", "plot_scan"]
