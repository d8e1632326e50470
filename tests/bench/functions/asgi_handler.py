"""The bare ASGI application on Lambda."""

from __future__ import annotations

from bare_app import app

from lambda_asgi.streaming import Streaming

handler = Streaming(app)
