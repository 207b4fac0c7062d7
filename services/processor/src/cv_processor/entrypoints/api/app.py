"""The FastAPI app: routes, errors, documentation."""

from __future__ import annotations

from typing import Any

from cv_contracts.chatbot import ChatbotEvent
from cv_contracts.rest import Problem, Submission
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from cv_processor import __version__
from cv_processor.bootstrap import Services
from cv_processor.bootstrap import services as services_of_process
from cv_processor.entrypoints.api import (
    conflicts,
    correlations,
    erasures,
    events,
    health,
    problems,
    webhooks,
)
from cv_processor.entrypoints.api.answer_limit import AnswerLimit
from cv_processor.entrypoints.api.request_log import RequestLog

_RAW_MODELS: dict[str, Any] = {
    "ChatbotEvent": ChatbotEvent,
    "Problem": Problem,
    "Submission": Submission,
}
_REFERENCES = "#/components/schemas/{model}"


def create_app(services: Services | None = None) -> FastAPI:
    """The app; without `services` it is wired from the environment, as `uvicorn --factory` does."""
    app = FastAPI(
        title="CV Analytics: Processor",
        version=__version__,
        description="Questions and answers of a CV's chatbot, correlated.",
        redoc_url=None,
    )
    app.state.services = services or services_of_process()
    problems.install(app)
    app.add_middleware(AnswerLimit)
    app.add_middleware(RequestLog)  # the outermost: it logs what is answered in the end
    for module in (events, webhooks, correlations, conflicts, erasures, health):
        app.include_router(module.router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign] # FastAPI's documented hook
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's document, and the models of the bodies that the routes read and write raw."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name, model in _RAW_MODELS.items():
            schema = TypeAdapter(model).json_schema(ref_template=_REFERENCES)
            schemas |= schema.pop("$defs", {})
            schemas[name] = schema
        _say_what_the_models_do_not(schemas)
        app.openapi_schema = document
    return app.openapi_schema


def _say_what_the_models_do_not(schemas: dict[str, Any]) -> None:
    """The kind of an event is required, for it tells them apart; a problem may carry more."""
    for name in ("QueryEvent", "ResponseEvent"):
        schemas[name]["required"] = ["eventType", *schemas[name]["required"]]
    schemas["Problem"]["additionalProperties"] = True
