"""Taking an issue through the phases of a workflow: how a run works, survives a crash and goes on.

runner      one run of one issue: claim, attempts, heartbeat, the end (start reading here)
requests    what a run begins with, and where it goes on
next_phase  which phase is next, decided from the attempts
phases/     what each kind of phase does, step by step; a step is done once
progress    what a run says while it works, and its log
"""
