"""A post-only market maker for Freqtrade: everything but the calibration sidecar."""
