"""The crash-point sweep: every AWS call of every handler × every fault × every delivery order."""
