"""Django, which knows no lifespan, listens for a disconnect in a task of its own, and joins header values itself."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import path
from gate import steps

from lambda_asgi.streaming import Streaming

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="not one", USE_TZ=True)
django.setup(set_prefix=False)


async def events(request: HttpRequest) -> StreamingHttpResponse:
    stream = (f"id: {number}\ndata: {number}\n\n" async for number in steps(3))
    return StreamingHttpResponse(stream, content_type="text/event-stream")


def plain(request: HttpRequest, name: str) -> JsonResponse:
    """A synchronous view, with a cookie and a body."""
    response = JsonResponse({"name": name, "body": request.body.decode(), "seen": request.COOKIES})
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


urlpatterns = [path("events", events), path("plain/<str:name>", plain)]
handler = Streaming(ASGIHandler())
