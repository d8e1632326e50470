"""Requests that are refused, in CloudFormation's words.

What the real service does: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html; the
texts are not documented, the tools that read them (`does not exist`) show what they are.
"""

from __future__ import annotations


class RefusedError(Exception):
    """A request that is not served."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def invalid(message: str) -> RefusedError:
    """What is asked for makes no sense, or not now."""
    return RefusedError("ValidationError", message)


def no_stack(name: str) -> RefusedError:
    """There is no such stack, or not any more."""
    return invalid(f"Stack with id {name} does not exist")


def no_change_set(name: str) -> RefusedError:
    """There is no such change set, or not any more."""
    return RefusedError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def not_executable(arn: str, status: str) -> RefusedError:
    """The change set has failed, or has been executed."""
    message = f"ChangeSet [{arn}] cannot be executed in its current status of [{status}]"
    return RefusedError("InvalidChangeSetStatus", message)


def already_exists(what: str) -> RefusedError:
    """A name is taken."""
    return RefusedError("AlreadyExistsException", f"{what} already exists")


def insufficient_capabilities(needed: list[str]) -> RefusedError:
    """The template makes roles or the like, and nobody has agreed to that."""
    return RefusedError("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(needed)}]")
