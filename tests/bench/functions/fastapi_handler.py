"""The FastAPI application on Lambda."""

from __future__ import annotations

from fastapi_app import app

from lambda_asgi.streaming import Streaming

handler = Streaming(app)
