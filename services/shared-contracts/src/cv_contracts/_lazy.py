"""Public names that are loaded on first use, so that an import costs what it uses and no more."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module


def public_name(name: str, face: str, public: Sequence[str], modules: Sequence[str]) -> object:
    """The value of a public name of the module `face`, from the first of our modules that has it.

    Raises `AttributeError`, as a module does, for a name that is not public.
    """
    if name in public:
        for module in modules:
            found = vars(import_module(f"cv_contracts.{module}")).get(name)
            if found is not None:
                return found
    raise AttributeError(f"module {face!r} has no attribute {name!r}")
