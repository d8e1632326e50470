"""The two ways around the edge, both closed: the function's own URL and the bucket."""

from __future__ import annotations

import pytest

from tests.edge.conftest import Deployment
from tests.edge.telling import PATH

pytestmark = pytest.mark.edge


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_function_url_refuses_whoever_does_not_sign(deployment: Deployment, method: str) -> None:
    """403, and no story."""
    if deployment.story is None:
        pytest.skip("function URL: not known; make test-edge STORY_URL=https://...lambda-url...on.aws/")
    with deployment.story.client() as stranger:
        response = stranger.request(method, PATH)

    assert response.status_code == 403
    assert not response.headers.get("content-type", "").startswith("text/event-stream")


@pytest.mark.parametrize("path", ["/", "/index.html"])
def test_bucket_is_private(deployment: Deployment, path: str) -> None:
    """Neither its list nor its objects are for anybody but the edge."""
    if deployment.bucket is None:
        pytest.skip("bucket: not known, or local, where moto lets everybody in; make test-edge BUCKET_URL=https://...")
    with deployment.bucket.client() as stranger:
        assert stranger.get(path).status_code == 403
