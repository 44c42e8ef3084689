"""What a run has done, in both stores.

`records` finds and begins runs, `run_record` writes one to the database and to its JSON state
(`json_run`), `run_log` keeps the log that people read.
"""
