"""An independent process that cancels what a slow, frozen or dead bot left standing; it imports nothing of a bot."""
