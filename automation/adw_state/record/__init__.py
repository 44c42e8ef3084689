"""What a run has done so far, while it works: kept in the database, in its JSON state, or in both.

`records` finds and begins runs, `run_record` is one of them in memory, and writes it to its `store`.
"""
