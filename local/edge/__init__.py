"""The edge: the one address a viewer knows, with the page and the functions behind it.

What hop this is: `viewer -> [edge] -> site | function_url`.

`edge` finds the behavior by its `path_pattern`; `exchange` asks the origin, for as long as the `origin_timer` lets it,
and passes the answer on, the `headers` changed on both ways; `error_page` is what may come in its place.

What the real service does: CloudFront tries the behaviors in order, and each names its origin; it rewrites the request
for that origin, sends the response to the viewer "as the object is received", and gives a silent origin up
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html,
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html).

What differs here, on purpose:
1. nothing is cached or compressed: every request reaches its origin, so `x-cache` never says "Hit";
2. the viewer protocol policy is not enforced, for a loopback address is served over plain HTTP;
3. every behavior forwards what the managed policy AllViewerExceptHostHeader forwards, but no cookie to a bucket;
4. origin access control signs nothing: the next hop is told who calls by a scope extension, which no viewer can send;
5. there is no `x-amz-cf-pop`, for there is no point of presence;
6. an error page that cannot be had is the answer itself, with its own status; what CloudFront sends then is not told.
"""
