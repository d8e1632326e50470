"""Findings as text for people and editors (`file:line: ...`), or as JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

from local.lint.finding import Finding, Severity
from local.lint.linter import Result
from local.lint.suppressions import SUPPRESSION
from local.lint.table import RULES


def as_text(result: Result, path: Path) -> str:
    """A line a finding, and a line that counts them."""
    lines = [
        f"{path}:{finding.line}: {finding.rule.severity} {finding.rule.rule_id} {finding.resource}: "
        f"{finding.sentence} {finding.rule.link}"
        for finding in result.findings
    ]
    counts = [_counted(result.count(severity), severity.value) for severity in Severity]
    return "\n".join([*lines, f"{', '.join(counts)}, {len(result.suppressed)} suppressed with a reason"])


def as_json(result: Result, path: Path) -> str:
    """One object: `findings`, and `suppressed` with the reasons that the template gives."""
    return json.dumps(
        {
            "findings": [_entry(finding, path) for finding in result.findings],
            "suppressed": [{**_entry(finding, path), "because": reason} for finding, reason in result.suppressed],
        },
        indent=2,
    )


def rules() -> str:
    """Every rule: id, severity and title on a line, the reason and the page below it."""
    return "\n".join(
        f"{rule.rule_id} {rule.severity}: {rule.title}\n    {rule.why}\n    {rule.link}"
        for rule in (SUPPRESSION, *RULES)
    )


def _entry(finding: Finding, path: Path) -> dict[str, object]:
    rule = finding.rule
    return {
        "rule": rule.rule_id,
        "severity": rule.severity.value,
        "resource": finding.resource,
        "file": str(path),
        "line": finding.line,
        "title": rule.title,
        "reason": finding.sentence,
        "why": rule.why,
        "link": rule.link,
    }


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
