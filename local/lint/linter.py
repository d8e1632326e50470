"""The linter: template file -> transformed, and parsed for its lines -> [rules] -> findings.

What the real service does: nothing of the kind. AWS deploys most of what these rules find, and then answers 403, or
waits until the story is over and sends all of it at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.errors import TemplateError
from local.lint.document import Document
from local.lint.finding import Finding, Severity
from local.lint.source import Source
from local.lint.suppressions import SUPPRESSION, parted
from local.lint.table import RULES
from local.lint.template import read_template
from local.template.document import load_document

_REGION = "us-east-1"  # stands in for any: rules compare names, they do not read regions out of them


@dataclass(frozen=True, slots=True)
class Result:
    """The findings in the order of their lines, and those that the template suppresses, each with its reason."""

    findings: tuple[Finding, ...]
    suppressed: tuple[tuple[Finding, str], ...]

    def count(self, severity: Severity) -> int:
        """How many findings are that severe."""
        return sum(finding.rule.severity is severity for finding in self.findings)


def lint(path: Path, *, parameters: Mapping[str, str]) -> Result:
    """Judge the template at *path* as it is with *parameters*, or with their defaults.

    Raises TemplateError for a template that cannot be read or transformed.
    """
    document = load_document(path, parameters=parameters, region=_REGION)
    text = path.read_text(encoding="utf-8-sig")
    try:
        return judge(document, text, root=path.parent, parameters=parameters)
    except TemplateError as error:
        raise TemplateError(f"{path}: {error}") from error


def judge(document: Mapping[str, object], text: str, *, root: Path, parameters: Mapping[str, str]) -> Result:
    """Judge *document*, which was transformed from *text*; paths in it start from *root*."""
    source = Source(text)
    template = read_template(Document(document, source, root=root, parameters=parameters))
    found = [
        Finding(rule, source.resource(value.place.logical_id), source.line(value.place), sentence)
        for rule in RULES
        for value, sentence in rule.check(template)
    ]
    known = {rule.rule_id for rule in (SUPPRESSION, *RULES)}
    # A suppression is for the template as it stands: with other parameters it may well have nothing to do.
    findings, suppressed = parted(list(dict.fromkeys(found)), source, known, idle=not parameters)
    return Result(tuple(sorted(findings, key=_position)), tuple(suppressed))


def _position(finding: Finding) -> tuple[int, str]:
    return finding.line, finding.rule.rule_id
