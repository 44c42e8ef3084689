"""What holds without any configuration."""

from __future__ import annotations

WORKFLOW = "adw_sdlc"
PHASES = ("plan", "build", "review")

LEASE_SECONDS = 60.0
"""Silence after which a run on another host counts as dead."""
STALE_HOURS = 24.0
"""Silence after which an unfinished run is called stale; the view stale_checkpoints says it in SQL."""
