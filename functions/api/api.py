"""The JSON API's handler: the stories as documents, and word by word for those who poll.

What this is: `function URL (BUFFERED) -> awslambdaric -> [api] -> application`. The template names it; it is made once
for each environment.
"""

from __future__ import annotations

from application import create_app, create_handler

handler = create_handler(create_app())
