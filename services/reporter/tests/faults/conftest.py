"""The mocked AWS of the component tests, for the sweeps too."""

from tests.component.conftest import busy, deployed, sampled, world

__all__ = ["busy", "deployed", "sampled", "world"]
