"""The commands of `mm`, one file each."""
