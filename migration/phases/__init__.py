"""The phases: each with its plan, its step forward, its step back, and its checks."""
