"""Many settings of one strategy over one recording, each as `replay` would run it on hftbacktest."""
