"""The schema: how it is changed, whether a database has it, and whether that database can be relied on.

`migrations` applies the files of `db_migrations/` and takes them back. `shape` says what they make, and how
a file differs from it. `health` checks a database by itself. `previous_tables` tells what earlier programs
made.
"""
