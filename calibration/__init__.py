"""The sidecar: from the recorded market to published parameters, each with its uncertainty."""
