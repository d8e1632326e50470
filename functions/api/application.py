"""The application: every path of the API in one place, and how it runs on Lambda.

What this is: `api -> [application] -> Mangum -> FastAPI -> catalogue, polling, docs_page`.

What the real service does that we follow: the distribution hands paths on as they are, so the routes have `/api` in
front, and Mangum's base path stays at `/`. A function URL in BUFFERED mode sends a body as text unless it is marked as
base64 (https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html), which Mangum does for every media type that
it does not know to be text.

What differs here, on purpose:
1. No redirect to a path with or without a slash at its end: it would name the function URL's host, not the site's.
2. `lifespan="off"`: there is nothing to start, and Mangum would start and end it around each request.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from catalogue import check_health, list_stories, read_story
from docs_page import add_docs_page
from polling import poll
from records import Records
from refusals import REFUSED, answer_refusals
from request_line import RequestLine
from stories.problem import CONTENT_TYPE

DESCRIPTION = """The stories, as documents and word by word.

The same words come as server-sent events from `/api/sse`, with the same ids and, for the same seed, at the same pace:
a client may change from one to the other in the middle of a story."""
# Of CloudFront, which the viewer gets as well; a request that did not come through it has the function URL's own.
CORRELATION_ID = 'headers."x-amz-cf-id" || requestContext.requestId'

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def create_app() -> FastAPI:
    """The application, for Mangum or any other ASGI server."""
    app = FastAPI(
        title="A story, word by word",
        version="1",
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        responses=REFUSED,
    )
    app.add_api_route("/api/stories", list_stories)
    app.add_api_route("/api/stories/{slug}", read_story)
    app.add_api_route("/api/poll", poll, response_model_exclude_unset=True)
    app.add_api_route("/api/health", check_health)
    add_docs_page(app)
    answer_refusals(app)
    app.add_middleware(RequestLine)
    return app


def create_handler(app: FastAPI) -> Handler:
    """The handler that runs *app* for one event after another, and writes down what it did."""
    logger = Logger()
    metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "stories"))
    logging.getLogger("mangum").setLevel(logging.WARNING)  # its line for each request says less than ours
    app.add_middleware(Records, logger=logger, metrics=metrics)
    adapter = Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, CONTENT_TYPE])
    logged = logger.inject_lambda_context(adapter, correlation_id_path=CORRELATION_ID)
    handler: Handler = metrics.log_metrics(logged, capture_cold_start_metric=True)
    return handler
