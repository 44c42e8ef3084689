"""Reports: what happened to the executions of a window of time.

`report` makes the report from either backend. Each section has its records, its question, in the words of
`queries/reports.sql`, and what people see: `executions`, `phases`, `failures`; `section` is what they have in
common. `log_records`, `run_history`, `state_files` and `reading` read what runs leave behind as files;
`run_files` finds these and puts the runs into tables of the store's shape, so that the same texts serve both.
`renderers` print a report; JSON and CSV hold its fields as they are.
"""
