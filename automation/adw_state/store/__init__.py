"""The store: how rows get into the database, stay there and come out again.

`database` keeps connections and runs a unit of work as one transaction; `gate` and `retry` make many
processes take turns; `faults` is the one place where driver errors become ours. `executions`,
`attempts` and `checkpoints` are the writes and reads of one noun each, all of them inside a
transaction that somebody else began. `migrations` changes the schema, `schema` checks it, `backup`
copies the file, `archive` moves old runs out of the way, `health` says whether all is well.
Nothing in here knows which tracker the file belongs to.
"""
