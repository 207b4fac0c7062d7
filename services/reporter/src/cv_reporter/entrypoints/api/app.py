"""The FastAPI application: routes by subject, one error format, headers that protect."""

from __future__ import annotations

from fastapi import FastAPI

from cv_reporter import __version__
from cv_reporter.entrypoints.api import health, notes, questions, reports, summary
from cv_reporter.entrypoints.api.problems import add_problem_handlers
from cv_reporter.entrypoints.dashboard import pages

DESCRIPTION = """
What recruiters asked a CV's chatbot, and what the CV did not answer: weekly reports, summaries of
any period, and the questions behind every number. Errors are `application/problem+json`.
"""


def create_app() -> FastAPI:
    """The application; `uvicorn --factory cv_reporter.entrypoints.api:create_app` serves it."""
    app = FastAPI(
        title="CV Analytics Reporter",
        version=__version__,
        description=DESCRIPTION,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    for router in (
        health.router,
        reports.router,
        summary.router,
        questions.router,
        notes.router,
        pages.router,
    ):
        app.include_router(router)
    add_problem_handlers(app)
    return app
