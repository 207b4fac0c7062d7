"""The FastAPI application: routes by subject, one error format, headers that protect.

Importing a subject's module builds its routes, which is most of what a start takes. So on Lambda a
container builds the part that a request is for, and the others when they are asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from fastapi import FastAPI

from cv_reporter import __version__
from cv_reporter.entrypoints.api import problems
from cv_reporter.entrypoints.api.answer_limit import AnswerLimit
from cv_reporter.entrypoints.api.body_limit import BodyLimit
from cv_reporter.entrypoints.api.head import Head
from cv_reporter.entrypoints.api.one_layout import OneLayout
from cv_reporter.entrypoints.api.request_log import RequestLog

DESCRIPTION = """
What recruiters asked a CV's chatbot, and what the CV did not answer: weekly reports, summaries of
any period, and the questions behind every number. Errors are `application/problem+json`.
"""

PARTS = {
    "/health": "cv_reporter.entrypoints.api.health",
    "/v1/reports": "cv_reporter.entrypoints.api.reports",
    "/v1/summary": "cv_reporter.entrypoints.api.summary",
    "/v1/questions": "cv_reporter.entrypoints.api.questions",
    "/v1/export.csv": "cv_reporter.entrypoints.api.questions",
    "/v1/annotations": "cv_reporter.entrypoints.api.notes",
    "/v1/gaps": "cv_reporter.entrypoints.api.notes",
    "/v1/cv-skills": "cv_reporter.entrypoints.api.notes",
    "/dashboard": "cv_reporter.entrypoints.dashboard.pages",
}
"""Where each module's routes begin, in the order of the documentation."""


def create_app() -> FastAPI:
    """The application; `uvicorn --factory cv_reporter.entrypoints.api:create_app` serves it."""
    return _app(tuple(dict.fromkeys(PARTS.values())))


def app_for(path: str) -> FastAPI:
    """The application as far as a path needs it: one part, or all for what is of none (`/docs`)."""
    for start, module in PARTS.items():
        if path == start or path.startswith((f"{start}/", f"{start}.")):
            return _app((module,))
    return create_app()


@cache
def _app(modules: tuple[str, ...]) -> FastAPI:
    app = FastAPI(
        title="CV Analytics Reporter",
        version=__version__,
        description=DESCRIPTION,
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    for module in modules:
        app.include_router(import_module(module).router)
    problems.install(app)
    app.add_middleware(OneLayout)
    app.add_middleware(Head)
    app.add_middleware(AnswerLimit)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestLog)  # the outermost: it logs what is answered in the end
    return app
