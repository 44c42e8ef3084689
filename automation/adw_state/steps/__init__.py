"""Durable steps for programs of others: what a team's own workflow code calls.

`state` opens the project's database, `run` holds one run and its phases, `async_run` is the same for
`async` programs, `heartbeats` tells the database that the runs of this process live. Users import
`open_state` from `adw_state`; docs/python.md shows how.
"""
