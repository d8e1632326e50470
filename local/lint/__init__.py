"""The stream linter: what keeps a reply from streaming, or a viewer from reaching it, told from the template alone.

The way of a template through the files: `linter` transforms it and has its lines from `source`; `template` is what the
rules see of it, made of `document`, `functions` and `edge`, where a `value` knows its `place`; `rules/`, listed in
`table`, have findings (`finding`), with the help of `calls` and `links`; `suppressions` silences some, and `report`
writes the others.
"""
