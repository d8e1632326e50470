"""Calls of moto's services, as an SDK makes them.

What hop this is: `s3, tables_and_queues -> [moto] -> aws_services`.

What the real service does: CloudFormation calls the services that its resources belong to, and tells their errors in
the events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from local.aws_services import AwsServices

_Client = TypeVar("_Client")
_T = TypeVar("_T")


class ServiceError(Exception):
    """A service refuses; *code* is its name for why."""

    def __init__(self, service: str, code: str, message: str, status: int) -> None:
        super().__init__(f"{message} (Service: {service}, Status Code: {status}, Error Code: {code})")
        self.code = code
        self.message = message


class MotoClient(Generic[_Client]):
    """boto3's client of one *service*; it is loaded when it is needed first."""

    def __init__(self, services: AwsServices, region: str, service: str) -> None:
        self._services = services
        self._region = region
        self._service = service
        self._client: _Client | None = None

    async def call(self, work: Callable[[_Client], _T]) -> _T:
        """What *work* does with the client, in a thread. Raises `ServiceError`, and `EmulatorError` without moto."""
        address = await self._services.address()
        return await asyncio.to_thread(self._call, address, work)

    def _call(self, address: str, work: Callable[[_Client], _T]) -> _T:
        import boto3  # a quarter of a second, and not before somebody deploys
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        if self._client is None:
            client: Any = boto3.client(
                cast("Any", self._service),
                region_name=self._region,
                endpoint_url=address,
                aws_access_key_id="local",
                aws_secret_access_key="local",
                config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
            )
            self._client = client
        try:
            return work(cast("_Client", self._client))
        except BotoCoreError as error:  # it does not even look like a request, or like an answer
            raise ServiceError(self._service, type(error).__name__, " ".join(str(error).split()), 400) from error
        except ClientError as error:
            told = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise ServiceError(self._service, told["Code"], told["Message"], status) from error
