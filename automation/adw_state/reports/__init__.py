"""Reports: what happened to the executions of a window of time.

`analysis` makes a `report` from either backend; `questions` asks one question at a time, in the words of
`queries/reports.sql`, which define every number once. `log_files`, `log_records`, `run_history`,
`json_states` and `run_files` read what runs leave behind as files, and `log_tables` puts it into tables
of the store's shape, so that the same texts can be asked of it. `sections` are what text and Markdown show,
`renderers` print them; JSON and CSV hold the fields of the report as they are.

A further section is a text in `queries/reports.sql`, a record in `report`, a function in `questions` and one
in `sections`. Where it asks for a column that `queries/log_tables.sql` does not have yet, that comes too.
"""
