"""The rules, a module a subject; `local.lint.table` puts them together."""
