"""On Lambda a container builds the part of the API that a request is for, and answers alike."""

from __future__ import annotations

import pytest

from cv_reporter.entrypoints.api.app import app_for, create_app

DOCUMENTED = sorted(create_app().openapi()["paths"])


@pytest.mark.parametrize("path", DOCUMENTED)
def test_each_route_is_in_the_part_of_its_path(path: str) -> None:
    asked = path.replace("{week}", "2025-W46.csv").replace("{skill}", "C%23")
    part = app_for(asked)
    assert part.openapi()["paths"][path] == create_app().openapi()["paths"][path]
    assert part is not create_app(), "this path builds all parts"


def test_the_dashboard_is_a_part() -> None:
    assert app_for("/dashboard/notes") is app_for("/dashboard") is not create_app()


def test_documentation_and_unknown_paths_see_all_parts() -> None:
    assert len(DOCUMENTED) > 9
    assert app_for("/openapi.json") is app_for("/nothing") is create_app()
