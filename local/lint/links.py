"""The pages that the rules are from."""

from __future__ import annotations

_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/"
_CLOUDFRONT = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_TEMPLATES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/"
_APIS = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"

CONCURRENCY = f"{_LAMBDA}configuration-concurrency.html"
CUSTOM_RUNTIMES = f"{_LAMBDA}runtimes-custom.html"
FUNCTION_POLICIES = f"{_LAMBDA}access-control-resource-based.html"
FUNCTION_TIMEOUT = f"{_LAMBDA}configuration-timeout.html"
INVOKE_MODES = f"{_LAMBDA}config-rs-invoke-furls.html"
STREAMING = f"{_LAMBDA}configuration-response-streaming.html"
STREAMING_IN_VPC = f"{STREAMING}#config-rs-vpc-compatibility"
TENANCY = f"{_LAMBDA}tenant-isolation.html"
URL_AUTH = f"{_LAMBDA}urls-auth.html"
URL_CONFIGURATION = f"{_LAMBDA}urls-configuration.html"
WRAPPERS = f"{_LAMBDA}runtimes-modify.html"
CORS = "https://docs.aws.amazon.com/lambda/latest/api/API_Cors.html"

BEHAVIORS = f"{_CLOUDFRONT}DownloadDistValuesCacheBehavior.html"
CACHE_POLICIES = f"{_CLOUDFRONT}using-managed-cache-policies.html"
COMPRESSION = f"{_CLOUDFRONT}ServingCompressedFiles.html"
ORIGIN_ACCESS = f"{_CLOUDFRONT}private-content-restricting-access-to-lambda.html"
ORIGIN_REQUESTS = f"{_CLOUDFRONT}using-managed-origin-request-policies.html"
ORIGIN_REQUEST_CONTENT = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_OriginRequestPolicy.html"
ORIGINS = f"{_CLOUDFRONT}DownloadDistValuesOrigin.html"

FUNCTION_URL_PROPERTY = (
    "https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/"
    "sam-property-function-functionurlconfig.html"
)
PERMISSION_TYPE = f"{_TEMPLATES}aws-resource-lambda-permission.html"
URL_TYPE = f"{_TEMPLATES}aws-resource-lambda-url.html"
METADATA = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-metadata.html"
CIRCLES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"

API_STREAMING = f"{_APIS}response-transfer-mode.html"
API_STREAMING_FROM_LAMBDA = f"{_APIS}response-transfer-mode-lambda.html"
ADAPTER = "https://awslabs.github.io/aws-lambda-web-adapter/configuration/response-streaming.html"

# Not AWS's: what browsers do.
WEB_ORIGIN = "https://www.rfc-editor.org/rfc/rfc6454#section-7.1"
CREDENTIALS = "https://fetch.spec.whatwg.org/#cors-protocol-and-credentials"
EVENT_SOURCE = "https://html.spec.whatwg.org/multipage/server-sent-events.html#the-last-event-id-header"
