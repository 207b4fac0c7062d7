"""The Processor: questions and answers come in, and each pair is published as one event."""

__version__ = "1.3.0"
