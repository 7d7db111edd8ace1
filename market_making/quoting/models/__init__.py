"""The quoting models, one file each."""
