"""The application in the README, as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.function.asgi_calls import Reply, given, url_event
from tests.function.fake_runtime_api import serve

README = Path(__file__).parents[2] / "README.md"


def test_the_application_in_the_readme_streams() -> None:
    """The first word by itself; the others follow in the same burst."""
    section = README.read_text().partition("## FastAPI and any ASGI app\n")[2]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert code
    names: dict[str, Any] = {"__name__": "app"}
    exec(code[1], names)

    (request,) = serve(names["handler"], given(url_event(target="/words")))

    assert Reply.of(request).prelude["headers"]["content-type"] == "text/event-stream; charset=utf-8"
    assert request.chunks[1] == b"data: Hello\n\n"
    assert b"".join(request.chunks[2:]) == b"data: from\n\ndata: FastAPI\n\n"
