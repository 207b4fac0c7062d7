"""The one place that knows the concrete classes: settings in, use cases out.

One module for each function, so that a function imports what it uses and nothing else: a cold
start is imports.
"""
