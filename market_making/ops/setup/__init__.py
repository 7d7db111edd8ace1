"""What `mm init` writes: a bot's configuration, its private file, and strategies into a folder that lacks them."""
