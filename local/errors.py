"""What can go wrong before or around an invocation, each with a sentence for the person who reads it."""

from __future__ import annotations


class EmulatorError(Exception):
    """Something the user can mend; its text names what is wrong and what to do. The CLI prints it and exits with 2."""


class TemplateError(EmulatorError):
    """The template is missing, cannot be read, or asks for something that cannot be resolved."""
