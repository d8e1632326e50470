"""The JSON API: the stories as documents, and word by word for those who poll.

What this is: `function URL (BUFFERED) -> awslambdaric -> [api] -> application`: the handler that the template names,
made once for each environment.
"""

from __future__ import annotations

from application import create_app, create_handler

handler = create_handler(create_app())
