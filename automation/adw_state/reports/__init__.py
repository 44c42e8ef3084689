"""Reports: what happened to the executions of a window of time.

`analysis` makes a `report` from either backend. A section of it is a module that has its records, its
question, in the words of `queries/reports.sql`, and what people see: `outcomes`, `funnels`, `failures`,
`phase_attempts`, `execution_lists`, `notes`; `section` is what they have in common. `run_files`,
`log_records`, `run_history` and `json_states` read what runs leave behind as files, and
`log_tables` puts it into tables of the store's shape, so that the same texts can be asked of it.
`renderers` print a report; JSON and CSV hold its fields as they are.
"""
