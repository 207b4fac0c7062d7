"""What the routes need, as FastAPI dependencies: the app's state carries one `Services`."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from cv_processor.bootstrap import Services


def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


Wired = Annotated[Services, Depends(_services)]
