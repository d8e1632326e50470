"""The stream linter: what keeps a reply from streaming, or a viewer from reaching it, told from the template alone."""
