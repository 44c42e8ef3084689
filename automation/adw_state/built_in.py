"""The workflow that is there without any configuration."""

from __future__ import annotations

WORKFLOW = "adw_sdlc"
PHASES = ("plan", "build", "review")
