"""Plots of calibrations and of scans: the only package that needs matplotlib."""

from calibration.plots.estimates import Subject, plot_calibration
from calibration.plots.ranking import plot_scan
from calibration.plots.style import check_picture

__all__ = ["Subject", "check_picture", "plot_calibration", "plot_scan"]
