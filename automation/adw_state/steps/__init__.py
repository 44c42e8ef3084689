"""Durable steps for programs of others: what a team's own workflow code calls.

`opened` opens the project's database, `run` holds one run and its phases, `async_run` is the same for `async`
programs. Users import `open_state` from `adw_state`; docs/python.md shows how.
"""
