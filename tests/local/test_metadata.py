"""The metadata endpoint: who may ask, and what is answered."""

from __future__ import annotations

import json

import pytest

from local.aws_endpoint import AwsEndpoint
from local.aws_services import AwsServices
from local.metadata import PATH, Metadata, zone_id
from tests.local.asgi_viewer import Answer, ask

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("us-east-1", "use1-az1"),
        ("ap-northeast-2", "apne2-az1"),
        ("ap-southeast-4", "apse4-az1"),
        ("eu-central-1", "euc1-az1"),
        ("us-gov-west-1", "usgw1-az1"),
        ("il-central-1", "ilc1-az1"),
        ("af-south-1", "afs1-az1"),
    ],
)
def test_the_zone_is_the_first_of_the_region(region: str, zone: str) -> None:
    assert zone_id(region) == zone


async def answer(method: str = "GET", authorization: bytes = b"Bearer abc") -> Answer:
    metadata = Metadata("eu-west-1", "abc")
    endpoint = AwsEndpoint(AwsServices(), metadata, metadata.routes)
    return await ask(endpoint, method, PATH, headers=[(b"authorization", authorization)])


async def test_it_answers_who_has_the_token() -> None:
    told = await answer()
    assert (told.status, json.loads(told.body)) == (200, {"AvailabilityZoneID": "euw1-az1"})
    assert told.header("cache-control") == "private, max-age=43200, immutable"


@pytest.mark.parametrize("authorization", [b"", b"Bearer", b"Bearer abd", b"abc", "Bearer äbc".encode()])
async def test_without_the_token_it_is_a_401(authorization: bytes) -> None:
    assert (await answer(authorization=authorization)).status == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
async def test_another_method_is_a_405(method: str) -> None:
    told = await answer(method)
    assert (told.status, told.header("allow")) == (405, "GET")
