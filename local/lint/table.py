"""Every rule there is, in the order of their ids."""

from __future__ import annotations

from local.lint.finding import Rule
from local.lint.rules import behaviors, function_urls, origins, other_fronts, permissions, runtimes

RULES: tuple[Rule, ...] = (
    *permissions.RULES,
    *function_urls.RULES,
    *runtimes.RULES,
    *origins.RULES,
    *behaviors.RULES,
    *other_fronts.RULES,
)
