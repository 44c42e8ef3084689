"""Taking an issue through the phases of a workflow: how a run works, survives a crash and goes on.

runner      one run of one issue: claim, attempts, heartbeat, the end (start reading here)
next_place  which phase is next, decided from the attempts
phases/     what each kind of phase does, step by step; a step is done once
record/     the run's record in both stores, the database and the JSON state, and its log
progress    what a run says while it works; the reporter in `work` says it to the log as well
"""
