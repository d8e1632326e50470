"""A function's own HTTP endpoint.

What hop this is: `edge (or a viewer) -> [function_url] -> dispatcher -> invocation`. `endpoint` takes the request, as
many a second as `request_rate` allows, and `answer` is what the viewer gets.

What the real service does (https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html,
https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html): turns the request into an event;
in invoke mode `RESPONSE_STREAM` passes status and headers on when the prelude is there and then every chunk as it
comes; in `BUFFERED` waits for the whole reply. When the viewer leaves, the function runs on. A function that fails, or
answers what is no HTTP response, is a 502. A streamed reply without any bytes, where a prelude should be, was seen as
an empty 200 (https://github.com/middyjs/middy/issues/1189); AWS's client for Node sends such a reply for a stream that
is ended and was never written to.

What differs here, on purpose:
1. a reply that is cut short ends without its last chunk, so that the viewer sees an aborted body; what AWS's function
   URLs do then is not documented;
2. the body of a 429 is the Invoke API's; for function URLs none is documented;
3. the answers to requests that are too large or too slow are our own: AWS documents the sizes, and no status;
4. a buffered reply has the content-length of its body, and one that the function sets is renamed as in a streamed
   reply, where that was observed; for buffered ones it is not documented.
"""
