"""Refusals a client can read: `application/problem+json`.

What this is: `rules -> [problem] -> story, refusals`: raised where something is wrong, written where the reply is made.

What the spec says that we follow: RFC 9457 (https://www.rfc-editor.org/rfc/rfc9457). A problem of type `about:blank`
means no more than its status code does, and its title is that code's own phrase (section 4.2.1); further members
are allowed and skipped by those who do not know them (section 3.2).
"""

from __future__ import annotations

import json

# Named for type checkers only: importing typing or collections.abc costs a cold start several milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE = "application/problem+json"
TITLES = {400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error"}


class ProblemError(Exception):
    """A request that is refused with *status*, one of those in TITLES.

    *detail* is a sentence for the person who sent it. *field* names the query field or header that is wrong, None
    where the fault is in neither. *headers* go with the reply, *members* into its JSON object.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})
        self.members = members

    def body(self) -> bytes:
        """The problem as a JSON object in UTF-8."""
        problem: dict[str, object] = {
            "type": "about:blank",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
        }
        if self.field is not None:
            problem["field"] = self.field
        return json.dumps({**problem, **self.members}, ensure_ascii=False).encode()
