"""What a run has done, in both stores.

`records` finds and begins runs, `run_record` writes one to its store: the database, the JSON state, or both.
"""
