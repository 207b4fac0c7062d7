"""The compatibility checker: what breaks between two versions, for whom, and why not.

It knows direction. With W(s) the closed writer of a schema s and R(s) its tolerant reader:

- events: W(new) ⊆ R(every old), and W(old) ⊆ R(new);
- requests: W(old client) ⊆ R(new server);
- responses: W(new server) ⊆ R(old client).

It knows nothing of CV Analytics and needs nothing but the standard library; with the extra `check`
it also compares patterns that differ.
"""

from cv_contracts_checker.compatibility.apis import check_api
from cv_contracts_checker.compatibility.schemas import Side, backward, check_event, forward
from cv_contracts_checker.compatibility.subset import Finding, Parties, violations
from cv_contracts_checker.compatibility.verdicts import Change, Level, Verdict
from cv_contracts_checker.compatibility.views import reader_view, writer_view

__all__ = [
    "Change",
    "Finding",
    "Level",
    "Parties",
    "Side",
    "Verdict",
    "backward",
    "check_api",
    "check_event",
    "forward",
    "reader_view",
    "violations",
    "writer_view",
]
