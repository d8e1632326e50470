"""The rules, a module a subject; `local.lint.table` puts them together.

S1 `permissions`, S2 `function_urls`, S3 `runtimes`, S4 `origins`, S5 `behaviors`, S6 `other_fronts`.
"""
