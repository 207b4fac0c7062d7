"""Between the contracts and the domain: chatbot events come in, events and REST models go out.

A module for each direction, so that a function loads the contract models that it needs alone.
"""
