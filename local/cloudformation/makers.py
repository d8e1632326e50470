"""How a resource of each type is made, changed and deleted.

What hop this is: `operation -> [makers] -> packages, buckets, tables_and_queues, custom_resources`.

What the real service does: asks the service that the type belongs to. Functions, URLs and distributions need no more
here than that their properties are known: what serves them reads these afterwards, see `deployed`.

What differs here, on purpose:
1. a type that nobody below is concerned with is recorded, and has what `Ref` and `Fn::GetAtt` give.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from local.cloudformation.buckets import change_bucket, delete_bucket, delete_policy, make_bucket, put_policy
from local.cloudformation.moto import ServiceError
from local.cloudformation.packages import CODE_PROPERTIES, PackageError, Packages
from local.cloudformation.record import Made
from local.cloudformation.s3 import S3
from local.cloudformation.tables_and_queues import TablesAndQueues, is_made_by_moto
from local.config import CustomResource
from local.custom_resources import Answers, CustomResources, Invoke, RejectedError
from local.custom_resources import Made as MadeByFunction
from local.errors import EmulatorError
from local.template.addresses import Addresses
from local.template.attributes import attributes, function_name
from local.template.custom_resources import as_sent, is_custom
from local.template.resources import Resources

MAX_SERVICE_SECONDS = 3600


class FailedError(Exception):
    """It could not be done; *left* is what there is all the same, and has to be deleted."""

    def __init__(self, reason: str, left: Made | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.left = left


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource as the template asks for it; *addresses* give it its names."""

    logical_id: str
    type: str
    properties: Mapping[str, object]  # resolved
    addresses: Addresses
    needs: tuple[str, ...] = ()
    policy: str = "Delete"
    replace_policy: str = "Delete"

    def made(self, attributes: Mapping[str, str]) -> Made:
        """The same, with what it got."""
        return Made(
            self.logical_id, self.type, self.properties, attributes, self.needs, self.policy, self.replace_policy
        )


class Makers:
    """*is_site_taken* says whether `localhost` itself is another distribution's already."""

    def __init__(
        self,
        s3: S3,
        packages: Packages,
        others: TablesAndQueues,
        answers: Answers,
        invoke: Invoke,
        *,
        is_site_taken: Callable[[], bool],
    ) -> None:
        self._s3 = s3
        self._packages = packages
        self._others = others
        self._answers = answers
        self._invoke = invoke
        self._is_site_taken = is_site_taken
        self._numbers: Counter[str] = Counter()  # of the versions of each function and layer

    async def create(self, wanted: Wanted) -> Made:
        """Make it. Raises `FailedError`."""
        properties = wanted.properties
        if is_custom(wanted):
            return await self._create_custom(wanted)
        made = wanted.made(self._attributes(wanted))
        try:
            await self._fetch_code(properties)
            match wanted.type:
                case "AWS::S3::Bucket":
                    await make_bucket(self._s3, made.physical_id, properties, wanted.addresses.region)
                case "AWS::S3::BucketPolicy":
                    await put_policy(self._s3, str(properties.get("Bucket")), properties.get("PolicyDocument"))
                case type_name if is_made_by_moto(type_name):
                    name, addresses = wanted.logical_id, wanted.addresses
                    made = wanted.made(await self._others.create(type_name, name, properties, addresses))
        except (ServiceError, PackageError, EmulatorError) as error:
            raise FailedError(str(error)) from error
        return made

    async def update(self, wanted: Wanted, old: Made) -> Made:
        """Make *old* into what is wanted, in place. Raises `FailedError`."""
        properties = wanted.properties
        if is_custom(wanted):
            return await self._update_custom(wanted, old)
        try:
            await self._fetch_code(properties)
            match wanted.type:
                case "AWS::S3::Bucket":
                    await change_bucket(self._s3, old.physical_id, properties, old.properties)
                case "AWS::S3::BucketPolicy":
                    await put_policy(self._s3, str(properties.get("Bucket")), properties.get("PolicyDocument"))
                case type_name if is_made_by_moto(type_name):
                    name, addresses = wanted.logical_id, wanted.addresses
                    await self._others.update(type_name, name, old.physical_id, properties, addresses)
        except (ServiceError, PackageError, EmulatorError) as error:
            raise FailedError(str(error)) from error
        return wanted.made(old.attributes)

    async def delete(self, made: Made, addresses: Addresses) -> None:
        """Delete it. Raises `FailedError`."""
        try:
            match made.type:
                case "AWS::S3::Bucket":
                    await delete_bucket(self._s3, made.physical_id)
                case "AWS::S3::BucketPolicy":
                    await delete_policy(self._s3, str(made.properties.get("Bucket")))
                case type_name if is_made_by_moto(type_name):
                    await self._others.delete(type_name, made.physical_id)
                case _ if is_custom(made):
                    await self._custom(addresses).delete(_custom_resource(made), _by_function(made))
        except RejectedError as error:
            raise FailedError(_rejection(error)) from error
        except (ServiceError, EmulatorError) as error:
            raise FailedError(str(error)) from error

    def _attributes(self, wanted: Wanted) -> dict[str, str]:
        addresses = wanted.addresses
        written = {"Type": wanted.type, "Properties": dict(wanted.properties)}
        plain = Resources({"Resources": {wanted.logical_id: written}}, parameters={}, addresses=addresses)
        known = dict(attributes(plain[wanted.logical_id], addresses))
        match wanted.type:
            case "AWS::Lambda::Version":
                return _numbered(known, self._next_number(known["Ref"]), ("Ref", "FunctionArn"))
            case "AWS::Lambda::LayerVersion":
                return _numbered(known, self._next_number(known["Ref"]), ("Ref", "LayerVersionArn"))
            case "AWS::CloudFront::Distribution" if self._is_site_taken():
                domain = addresses.distribution_domain(known["Ref"])
                return known | {"DomainName": f"{domain}:{addresses.edge_port}"}
        return known or {"Ref": addresses.physical_name(wanted.logical_id)}

    def _next_number(self, arn: str) -> int:
        self._numbers[arn] += 1
        return self._numbers[arn]

    async def _fetch_code(self, properties: Mapping[str, object]) -> None:
        for name in CODE_PROPERTIES:
            await self._packages.fetch(properties.get(name))

    # Custom resources

    def _custom(self, addresses: Addresses) -> CustomResources:
        return CustomResources(addresses.stack_id, answers=self._answers, invoke=self._invoke)

    async def _create_custom(self, wanted: Wanted) -> Made:
        try:
            made = await self._custom(wanted.addresses).create(_custom_resource(wanted.made({})))
        except RejectedError as error:
            # What it began is its own to take back: it is asked to delete what failed, as on AWS.
            name = error.physical_id or wanted.addresses.physical_name(wanted.logical_id)
            raise FailedError(_rejection(error), wanted.made({"Ref": name})) from error
        except EmulatorError as error:
            name = wanted.addresses.physical_name(wanted.logical_id)
            raise FailedError(str(error), wanted.made({"Ref": name})) from error
        return wanted.made({**made.data, "Ref": made.physical_id})

    async def _update_custom(self, wanted: Wanted, old: Made) -> Made:
        if wanted.properties.get("ServiceToken") != old.properties.get("ServiceToken"):
            raise FailedError("Modifying service token is not allowed.")
        resource = _custom_resource(wanted.made({}))
        try:
            made = await self._custom(wanted.addresses).update(resource, _by_function(old))
        except RejectedError as error:
            raise FailedError(_rejection(error)) from error
        except EmulatorError as error:
            raise FailedError(str(error)) from error
        return wanted.made({**made.data, "Ref": made.physical_id})


def _custom_resource(made: Made) -> CustomResource:
    properties = dict(made.properties)
    token = str(properties.pop("ServiceToken", ""))
    timeout = properties.pop("ServiceTimeout", MAX_SERVICE_SECONDS)
    sent = {name: as_sent(value) for name, value in properties.items()}
    if not token or not function_name(token):
        raise FailedError(f"{made.logical_id}: ServiceToken {token or 'is missing, and'} names no function.")
    return CustomResource(made.logical_id, made.type, token, sent, timeout_seconds=int(str(timeout)))


def _by_function(made: Made) -> MadeByFunction:
    sent = {name: as_sent(value) for name, value in made.properties.items() if name != "ServiceTimeout"}
    return MadeByFunction(made.physical_id, sent)


def _rejection(error: RejectedError) -> str:
    return (
        f"Received response status [FAILED] from custom resource. Message returned: {error.reason} "
        f"(RequestId: {error.request_id})"
    )


def _numbered(known: dict[str, str], number: int, arns: tuple[str, ...]) -> dict[str, str]:
    """*known*, whose version is not 1 but *number*."""
    numbered = {name: f"{known[name].rpartition(':')[0]}:{number}" for name in arns}
    return known | numbered | ({"Version": str(number)} if "Version" in known else {})


def renewed(addresses: Addresses, count: int) -> Addresses:
    """Where a resource that replaces another one gets its names: unlike the first ones', for the *count*-th time."""
    return replace(addresses, unique=f"{addresses.unique}/{count}")
