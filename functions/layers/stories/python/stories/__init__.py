"""The stories and the rules for asking for them: what the streaming function and the JSON API have in common.

`library` has the texts, `pauses` the time after each word; `rules` say what may be asked for, and a `problem` is what
else is answered with.
"""
