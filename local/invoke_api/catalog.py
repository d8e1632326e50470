"""What tools read about functions before they invoke one.

What hop this is: `aws_endpoint -> [catalog]`; no function is run for it.

What the real service does: GetFunction, GetFunctionConfiguration, ListFunctions, ListVersionsByFunction, ListAliases,
GetFunctionUrlConfig, ListFunctionUrlConfigs and GetAccountSettings, in
https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html. Lists come in pages of at most 50.

What differs here, on purpose:
1. there is no deployment package: size and hash are left out, `Code.Location` is the folder on this machine; so are
   role, layers and network, which nothing here acts on;
2. what was last modified is the emulator, when it started;
3. the account's limits are AWS's defaults, of which only the reserved concurrency is enforced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

from local.config import Account, Cors, Function
from local.invoke_api.refusal import constraint, invalid_parameter, not_found
from local.invoke_api.target import LATEST, Target, find_target

Document: TypeAlias = dict[str, object]
Parameters: TypeAlias = Mapping[str, str]

MAX_PAGE = 50
MAX_ITEMS = 10_000
ACCOUNT_CONCURRENCY = 1000


class Catalog:
    """The functions of *account*; *url_of* is the address of a function's URL.

    Each question takes the name in the path, "" where there is none, and the query. Raises `RefusedError`.
    """

    def __init__(self, account: Account, *, url_of: Callable[[Function], str]) -> None:
        self._account = account
        self._url_of = url_of
        self._modified = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def get_function(self, name: str, query: Parameters) -> Document:
        target = find_target(self._account, name, query.get("Qualifier", ""))
        code = {"RepositoryType": "Local", "Location": target.function.code.resolve().as_uri()}
        document: Document = {"Configuration": self.get_configuration(name, query), "Code": code}
        reserved = target.function.reserved_concurrency
        if reserved is not None:
            document["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
        return document

    def get_configuration(self, name: str, query: Parameters) -> Document:
        target = find_target(self._account, name, query.get("Qualifier", ""))
        return self._configuration(target) | {"State": "Active", "LastUpdateStatus": "Successful"}

    def list_functions(self, name: str, query: Parameters) -> Document:
        return _page("Functions", [self._configuration(Target(each)) for each in self._account.functions], query)

    def list_versions(self, name: str, query: Parameters) -> Document:
        target = find_target(self._account, name)
        return _page("Versions", [self._configuration(Target(target.function, LATEST))], query)

    def list_aliases(self, name: str, query: Parameters) -> Document:
        function = find_target(self._account, name).function
        aliases = [qualifier for qualifier in function.qualifiers if not qualifier.isdigit()]
        documents: list[Document] = [
            {"AliasArn": f"{function.arn}:{alias}", "Name": alias, "FunctionVersion": LATEST} for alias in aliases
        ]
        return _page("Aliases", documents, query)

    def get_url(self, name: str, query: Parameters) -> Document:
        function = find_target(self._account, name).function
        if function.url is None:
            raise not_found("The resource you requested does not exist.")
        return self._url(function)

    def list_urls(self, name: str, query: Parameters) -> Document:
        function = find_target(self._account, name).function
        return _page("FunctionUrlConfigs", [self._url(function)] if function.url else [], query)

    def get_account_settings(self, name: str, query: Parameters) -> Document:
        functions = self._account.functions
        reserved = sum(function.reserved_concurrency or 0 for function in functions)
        limit = {
            "TotalCodeSize": 75 * 1024**3,
            "CodeSizeUnzipped": 250 * 1024**2,
            "CodeSizeZipped": 50 * 1024**2,
            "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
            "UnreservedConcurrentExecutions": ACCOUNT_CONCURRENCY - reserved,
        }
        return {"AccountLimit": limit, "AccountUsage": {"FunctionCount": len(functions)}}

    def _configuration(self, target: Target) -> Document:
        function = target.function
        logging = {
            "LogFormat": function.log_format,
            "ApplicationLogLevel": function.application_log_level,
            "SystemLogLevel": function.system_log_level,
            "LogGroup": function.log_group,
        }
        document: Document = {
            "FunctionName": function.name,
            "FunctionArn": target.arn,
            "Runtime": function.runtime,
            "Handler": function.handler,
            "Timeout": function.timeout_seconds,
            "MemorySize": function.memory_mb,
            "LastModified": self._modified,
            "Version": LATEST,
            "PackageType": "Zip",
            "Architectures": [function.architecture],
            "LoggingConfig": {name: value for name, value in logging.items() if value},
        }
        if function.environment:
            document["Environment"] = {"Variables": dict(function.environment)}
        return document

    def _url(self, function: Function) -> Document:
        assert function.url is not None
        document: Document = {
            "FunctionUrl": self._url_of(function),
            "FunctionArn": function.arn,
            "AuthType": function.url.auth_type,
            "InvokeMode": function.url.invoke_mode,
            "CreationTime": self._modified,
            "LastModifiedTime": self._modified,
        }
        return document | ({"Cors": _cors(function.url.cors)} if function.url.cors else {})


def _cors(cors: Cors) -> Document:
    document: Document = {
        "AllowOrigins": list(cors.allow_origins),
        "AllowMethods": list(cors.allow_methods),
        "AllowHeaders": list(cors.allow_headers),
        "ExposeHeaders": list(cors.expose_headers),
        "AllowCredentials": cors.allow_credentials,
        "MaxAge": cors.max_age_seconds,
    }
    return {name: value for name, value in document.items() if value not in ([], None)}


def _page(member: str, items: Sequence[Document], query: Parameters) -> Document:
    """The page of *items* that begins at the query's Marker: a position, which callers need not understand."""
    size, marker = query.get("MaxItems", str(MAX_PAGE)), query.get("Marker", "0")
    if not size.isdecimal() or not 1 <= int(size) <= MAX_ITEMS:
        raise constraint("maxItems", size, f"have value from 1 to {MAX_ITEMS}")
    if not marker.isdecimal():
        raise invalid_parameter(f"Invalid pagination token: {marker}")
    start = int(marker)
    end = start + min(int(size), MAX_PAGE)
    document: Document = {member: list(items[start:end])}
    return document | ({"NextMarker": str(end)} if end < len(items) else {})
