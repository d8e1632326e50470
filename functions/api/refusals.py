"""Everything the API refuses, in the shape in which the story function refuses: problem+json, its `field` named.

What this is: `FastAPI -> [refusals] -> viewer`: whatever is raised on the way of a request becomes a reply here.

What the libraries do that we replace: Starlette answers 404, 405 and 500 with texts of its own, FastAPI a field it
cannot take with 422 and a list (https://fastapi.tiangolo.com/tutorial/handling-errors/). A failure of ours is still
raised on after it was answered, so that whoever runs the application can log it.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from stories.problem import CONTENT_TYPE, ProblemError

METHODS = "GET, HEAD"
_TEXT = {"type": "string"}
SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": {**_TEXT, "description": "What is wrong, and what would be right"},
        "field": {**_TEXT, "description": "The field that is wrong, where it is one"},
        "stories": {"type": "array", "description": "The stories there are, where another was asked for"},
    },
}
# For a route's `responses`. "4XX" also keeps FastAPI from promising its own 422.
REFUSED: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Refused", "content": {CONTENT_TYPE: {"schema": SCHEMA}}}
}


def answer_refusals(app: FastAPI) -> None:
    """Make *app* answer every refusal and every failure with a problem."""
    app.add_exception_handler(ProblemError, _refused)
    app.add_exception_handler(RequestValidationError, _field_refused)
    app.add_exception_handler(HTTPException, _route_refused)
    app.add_exception_handler(Exception, _failed)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    headers = {"cache-control": "no-store", **error.headers}
    return Response(error.body(), error.status, headers=headers, media_type=CONTENT_TYPE)


async def _field_refused(request: Request, error: Exception) -> Response:
    """For the first field that FastAPI refuses by itself."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = str(first["loc"][-1])
    return await _refused(request, ProblemError(400, f"{field}: {first['msg']}.", field=field))


async def _route_refused(request: Request, error: Exception) -> Response:
    """For a path or a method that no route has."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        problem = ProblemError(405, f"This can only be read: use {METHODS}.", headers={"allow": METHODS})
    else:
        problem = ProblemError(404, "There is nothing at this path; what there is, is listed at /api/docs.")
    return await _refused(request, problem)


async def _failed(request: Request, error: Exception) -> Response:
    return await _refused(request, ProblemError(500, "Something went wrong here, not with what you sent."))
