"""The stories and the rules for asking for them: what the streaming function and the JSON API have in common."""
