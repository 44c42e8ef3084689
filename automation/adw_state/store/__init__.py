"""The store: how rows get into the database, stay there and come out again.

`database` runs a unit of work as one transaction. `executions`, `attempts` and `checkpoints` are the writes
and reads of one noun each, inside a transaction that somebody else began. `importing` brings in whole runs,
`archive` moves old ones out of the way. Nothing in here knows which tracker the file belongs to.
"""
