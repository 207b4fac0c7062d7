"""The catalogue: a static site of every event and API, made from the contracts themselves."""

from cv_contracts_checker.catalogue.site import write_site

__all__ = ["write_site"]
