"""The owner's notes: annotations with their effect, decisions about gaps, the CV's skills."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated

from cv_contracts.rest import Problem
from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cv_reporter.application.wire.documents import Document
from cv_reporter.bootstrap import services
from cv_reporter.domain.annotation import Annotation
from cv_reporter.domain.calendar import countable
from cv_reporter.domain.report import Effect, GapState, GapStatus
from cv_reporter.domain.words import shown
from cv_reporter.entrypoints.api.conditional import HEADERS, JSON
from cv_reporter.entrypoints.api.problems import ApiProblem
from cv_reporter.entrypoints.api.schemas import json_answer

router = APIRouter(prefix="/v1", tags=["notes"])


def _telling(text: str) -> str:
    """What can be seen of a text. Raises `ValueError` if that is nothing."""
    seen = shown(text, len(text))
    if not seen:
        raise ValueError("nothing of it can be seen")
    return seen


Day = Annotated[date, AfterValidator(countable)]
Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_telling)]
Skill = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_telling)]


class NewAnnotation(BaseModel):
    """A dated note about a change of the CV."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "date": "2025-11-17",
                "text": "added a Helm project",
                "skill": "Kubernetes",
            }
        },
    )

    date: Day
    text: Text
    skill: Skill | None = None


class Decision(BaseModel):
    """What the owner decided about a gap."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"state": "done", "note": "added to CV"}}
    )

    state: GapState
    note: Annotated[str, Field(max_length=200)] = ""


class SkillList(BaseModel):
    """The skills that the CV lists."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"skills": ["Python", "Kubernetes"]}}
    )

    skills: Annotated[list[Skill], Field(max_length=500)]


@router.post(
    "/annotations",
    status_code=201,
    responses={201: json_answer(Effect, "Kept; twice is once")},
)
def post_annotation(new: NewAnnotation) -> Response:
    """Note a change; its skill's answers four weeks before and after are shown with it."""
    kept = services().notes.annotate(Annotation(new.date, new.text, new.skill))
    [effect] = [each for each in services().notes.effects() if each.id == kept.id]
    return _json(Document[Effect](effect), HTTPStatus.CREATED)


@router.get(
    "/annotations",
    responses={200: json_answer(tuple[Effect, ...], "Every note, oldest first")},
)
def get_annotations() -> Response:
    """Every note, with what it changed."""
    return _json(Document[tuple[Effect, ...]](services().notes.effects()))


@router.delete(
    "/annotations/{annotation_id}",
    status_code=204,
    response_class=Response,
    responses={404: {"model": Problem, "description": "No such note"}},
)
def delete_annotation(
    annotation_id: Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")],
) -> Response:
    """Take a note back."""
    if not services().notes.annotations.remove(annotation_id):
        raise ApiProblem(HTTPStatus.NOT_FOUND, "There is no such annotation.")
    return Response(status_code=204)


@router.get("/gaps", responses={200: json_answer(tuple[GapStatus, ...], "Every decision")})
def get_gaps() -> Response:
    """The decisions about gaps; a gap without one is open."""
    return _json(Document[tuple[GapStatus, ...]](services().notes.decisions()))


@router.put(
    "/gaps/{skill:path}",
    responses={200: json_answer(GapStatus, "The decision as kept")},
)
def put_gap(
    skill: Annotated[str, Path(min_length=1, max_length=80)], decision: Decision
) -> Response:
    """Decide about a skill's gap. "done" reopens by itself when the skill is missed again."""
    status = services().notes.decide(skill, decision.state, shown(decision.note, 200))
    return _json(Document[GapStatus](status))


@router.get("/cv-skills", responses={200: {"model": SkillList, "description": "The list"}})
def get_cv_skills() -> Response:
    """The skills that the CV lists, as far as the Reporter was told."""
    return _json(SkillList(skills=list(services().notes.cv.skills())))


@router.put("/cv-skills", responses={200: {"model": SkillList, "description": "As kept"}})
def put_cv_skills(listed: SkillList) -> Response:
    """Tell which skills the CV lists, so that the report can say which nobody asks about."""
    return _json(SkillList(skills=list(services().notes.list_skills(listed.skills))))


def _json(body: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(body.model_dump_json(), status, media_type=JSON, headers=HEADERS)
