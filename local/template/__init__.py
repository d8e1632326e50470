"""From a template file to the plain data in `local.config`; the entry is `local.template.stack.read_stack()`.

`document` is the file as plain CloudFormation, from the `cache` or from the SAM `transform`, after
`language_extensions`. `parameters`, within their `constraints` and the template's `rules`, and `intrinsics` say what
each value stands for, `addresses` and `attributes` what `Ref` and `GetAtt` give, and `resources` hold all that there
is, with their `properties`. `functions` (with `function_urls`, `code` and `inline_code`), `buckets`,
`custom_resources` and `distribution` (with `response_headers` and `cloudfront_policies`) read a kind each; `stack`
puts them together, and `unhonoured` tells what is left.
"""
