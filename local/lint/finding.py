"""What the linter says, and the rules that say it.

A rule is a function from the template to the faults it sees, under the `rule()` decorator that names and explains it:
its docstring is the reason, the link is the page the reason is from. `local.lint.table` lists them all.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from local.lint.template import Template
from local.lint.value import Value


class Severity(StrEnum):
    """An error breaks the stream on AWS, by AWS's own documentation; a warning may be meant."""

    ERROR = "error"
    WARNING = "warning"


class Fault(NamedTuple):
    """One *sentence* about *value*: what is wrong with it and what to do; an absent value has a place, too."""

    value: Value
    sentence: str


Check = Callable[[Template], Iterator[Fault]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to look for; *why* says what happens otherwise, *link* who says so."""

    rule_id: str
    severity: Severity
    title: str
    why: str
    link: str
    check: Check


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault in one template file; *line* counts from 1, *resource* is a logical id of that file."""

    rule: Rule
    resource: str
    line: int
    sentence: str


def rule(rule_id: str, severity: Severity, title: str, *, link: str) -> Callable[[Check], Rule]:
    """Make a rule of a function; its docstring is the reason why."""

    def made(check: Check) -> Rule:
        return Rule(rule_id, severity, title, " ".join(inspect.cleandoc(check.__doc__ or "").split()), link, check)

    return made
