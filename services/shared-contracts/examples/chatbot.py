"""A chatbot's web service that reports its questions to CV Analytics.

Run it with `CV_ANALYTICS_URL=... CV_ANALYTICS_WEBHOOK_KEY=... uvicorn chatbot:app` and ask:

    curl -X POST localhost:8000/ask -H 'content-type: application/json' -d '{"question": "Python?"}'
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx
from fastapi import FastAPI, Request
from pydantic import BaseModel

from cv_contracts.producer import Deliver, Producer, webhook_delivery


class Question(BaseModel):
    """What a visitor asks."""

    question: str
    session_id: str | None = None


@dataclass(frozen=True)
class Answer:
    """What the CV says, and how well that matches (percent)."""

    text: str
    score: int


def answer(question: str) -> Answer:
    """Stands for the chatbot itself: retrieval and a language model."""
    if "python" in question.lower():
        return Answer("Eight years of Python in production.", 93)
    return Answer("My CV does not say.", 0)


def create_app(deliver: Deliver | None = None) -> FastAPI:
    """The web service; the producer lives as long as it does."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with httpx.Client(timeout=5) as http, Producer(deliver or from_environment(http)) as chat:
            app.state.producer = chat
            yield

    app = FastAPI(title="A chatbot", lifespan=lifespan)

    @app.post("/ask")
    def ask(asked: Question, request: Request) -> Answer:
        producer: Producer = request.app.state.producer
        request_id = str(uuid4())
        producer.asked(request_id=request_id, query=asked.question, session_id=asked.session_id)
        given = answer(asked.question)
        producer.answered(
            request_id=request_id,
            match_type="full" if given.score else "none",
            match_score=given.score,
            session_id=asked.session_id,
        )
        return given

    return app


def from_environment(http: httpx.Client) -> Deliver:
    """Signed deliveries to the address and with the key that the environment gives."""
    url, key = os.environ["CV_ANALYTICS_URL"], os.environ["CV_ANALYTICS_WEBHOOK_KEY"]
    return webhook_delivery(http, url, key)


app = create_app()
