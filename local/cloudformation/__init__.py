"""CloudFormation: stacks that the real SAM and AWS CLI deploy into this emulator.

What hop this is: `sam deploy -> aws_endpoint -> [cloudformation] -> deployed, aws_services, custom_resources`.

`api` takes a `request` to `stacks`; a `plan` is the `difference` between a `blueprint`, what a template asks for, and
the `record` of what is there. `operation` carries it out: `makers` make and change (`buckets`, `packages`,
`tables_and_queues`, over `s3` and `moto`), `replacement` knows what has to be made anew, `removal` deletes. `views` and
`outputs` tell of it, `refusal` says no, `cloud_control` is there for one question, `cloud` composes all of it.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacks.html and, for what is
asked and answered, https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html

What differs here, on purpose:
1. resources are made one after the other, in the order that their references ask for, not side by side;
2. what is only recorded (roles, log groups, most other types) or stays without effect says so in its stack events;
3. nothing propagates and nothing is evaluated: no IAM, no waiting for CloudFront;
4. questions about a stack or change set at work are answered when it is done, or after ten seconds: the tools' waiters
   ask every 15 or 30 seconds, and everything here takes less;
5. addresses in outputs are plain HTTP on this machine, whatever scheme the template writes before them;
6. a stack at work cannot be deleted, and no nested stack, import, macro or stack set is served.
"""
