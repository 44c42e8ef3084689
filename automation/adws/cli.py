"""What `adw` calls in a clone that was set up when the library stood here, until it is set up again."""

from __future__ import annotations

from adw_state.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
