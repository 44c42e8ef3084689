"""Answers: what happened to the executions of a window of time.

`analysis` makes a `report` from either backend; `questions` asks one question at a time, in the words of
`queries/reports.sql`, which define every number once. `log_files`, `log_records`, `run_history`,
`json_states` and `run_files` read what runs leave behind as files, and `log_tables` puts it into tables
of the store's shape, so that the same texts can be asked of it. `renderers` print a report for people and
programs. Everything here only reads.
"""
