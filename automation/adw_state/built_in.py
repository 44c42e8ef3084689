"""What holds without any configuration."""

from __future__ import annotations

import re

# How workflows and phases are named.
NAME = re.compile(r"[a-z][a-z0-9_-]{0,49}")
HOW_TO_NAME = "use 1 to 50 of a-z, 0-9, - and _, beginning with a letter"
MOST_PHASES = 100

WORKFLOW = "adw_sdlc"
PHASES = ("plan", "build", "review")

LEASE_SECONDS = 60.0
"""Silence after which a run on another host counts as dead."""
STALE_HOURS = 24.0
"""Silence after which an unfinished run is called stale; the view stale_checkpoints says it in SQL."""
