"""The Lambda API of the AWS endpoint: Invoke, InvokeWithResponseStream, and what tools read before they invoke.

What hop this is: `aws_endpoint -> [invoke_api] -> dispatcher -> invocation`.

`api` knows the paths; `call` reads what is asked for, and `target` finds the function; `invoke` and `response_stream`
answer, in what of it is the same by `answer`; `event_queue` keeps events whose senders do not wait, `catalog` tells
tools what there is, and `refusal` is what all of them say no with.

What the real service does: https://docs.aws.amazon.com/lambda/latest/api/welcome.html; names, members and status codes
are those of botocore's model of the service, `lambda/2015-03-31`.

What differs here, on purpose:
1. requests need no signature, as behind all of this endpoint: who can reach the loopback interface may invoke;
2. a function is also found by its logical id in the template, which is easier to remember than its name;
3. the functions are those of the template and of the stacks that were deployed, and are not changed with this API;
   what is made with it is moto's and never runs.
"""
