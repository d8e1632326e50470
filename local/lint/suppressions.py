"""What a template asks the linter to be silent about: `Metadata: {StreamLint: {<rule id>: <reason>}}` on a resource.

Metadata rather than a comment: it also lives in JSON, and in what `sam build` and `cdk synth` write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from local.lint import links
from local.lint.finding import Finding, Rule, Severity
from local.lint.source import SUPPRESSIONS, Source

SUPPRESSION = Rule(
    rule_id="S001",
    severity=Severity.WARNING,
    title="Suppression that is not one",
    why="A suppression names a rule that speaks about that resource, and says why it need not.",
    link=links.METADATA,
    check=lambda template: iter(()),
)


def parted(
    findings: Sequence[Finding], source: Source, rules: Collection[str], *, idle: bool
) -> tuple[list[Finding], list[tuple[Finding, str]]]:
    """*findings* that stay, with those about suppressions, and the findings that are suppressed, with their reasons.

    *idle*: a suppression that suppresses nothing is a finding, too.
    """
    written = {resource: source.metadata(resource, SUPPRESSIONS) for resource in source}
    stay, suppressed = [], []
    for finding in findings:
        reason, _ = written.get(finding.resource, {}).get(finding.rule.rule_id, ("", 0))
        if reason:
            suppressed.append((finding, reason))
        else:
            stay.append(finding)
    used = {(finding.resource, finding.rule.rule_id) for finding, _ in suppressed}
    return [*stay, *_faults(written, rules, used if idle else None)], suppressed


def _faults(
    written: Mapping[str, Mapping[str, tuple[str, int]]], rules: Collection[str], used: set[tuple[str, str]] | None
) -> Iterator[Finding]:
    for resource, entries in written.items():
        for rule_id, (reason, line) in entries.items():
            if rule_id not in rules:
                fault = f"{SUPPRESSIONS} names {rule_id}, which is no rule; remove it or write a rule's id."
            elif not reason:
                fault = f"{SUPPRESSIONS} names {rule_id} without a reason, so it counts for nothing; write one."
            elif used is not None and (resource, rule_id) not in used:
                fault = f"{SUPPRESSIONS} names {rule_id}, which has nothing to say here; remove it."
            else:
                continue
            yield Finding(SUPPRESSION, resource, line, fault)
