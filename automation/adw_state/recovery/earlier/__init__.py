"""What an earlier implementation of this idea stored, as runs of ours.

That one had two tables, `adw_executions` and `adw_checkpoints`. `source` reads them, with `conversion` (what
a row becomes), `attempts` (which attempts are known), `times` (what its times mean) and `notes` (what is said
where a value was not simply taken over).
"""
