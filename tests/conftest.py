"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# An example may take as long as a busy machine makes it take: 200 ms is Hypothesis' own limit.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
