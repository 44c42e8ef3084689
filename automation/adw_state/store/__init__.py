"""The store: how rows get into the database, stay there and come out again.

`database` runs a unit of work as one transaction and makes processes take turns; `records` are the rows as
values. `executions`, `attempts` and `checkpoints` are the writes and reads of one noun each; `runs` and
`importing` take in whole runs from elsewhere, `archive` moves old ones out of the way. Nothing in here knows
which tracker the file belongs to.
"""
