"""Running a command under limits, and ending all that it started.

`running` starts a command behind a gate and waits for its end. `call` knows which processes belong to it, by
marks that they inherit. `table` reads the machine's processes. `orphans` adopts daemons where no mark holds.
"""
