"""What the Reporter does: one module per use case, each given its ports."""
