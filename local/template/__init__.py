"""From a template file to the plain data in `local.config`; the entry is `local.template.stack.read_stack()`."""
