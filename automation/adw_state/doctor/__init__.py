"""The doctor: finds what could break the tracker, lose history or stop agents, and repairs what is safe.

`examination` runs the checks of `checks/` and those of a database by itself (`schema/health.py`). A check
says what it looks at, what a bad finding means, and which command repairs it. Checks write nothing. A repair
takes nothing away from anybody, and comes after a backup where the database changes.

`project` is what they look at; `bd` asks the installed bd; `rebuild` does on an empty copy what bd does
to its tables.
"""
