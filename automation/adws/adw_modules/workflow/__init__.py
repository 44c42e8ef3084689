"""Taking an issue through plan, build and review: how a run works, survives a crash and goes on.

runner      one run of one issue: claim, attempts, heartbeat, the end (start reading here)
plan, build, review      what each phase does, step by step
steps       a step is done once: its saved result is returned when it is already there
record      the run's record in both stores, the database and the JSON state
worktrees, commits       the run's own git worktree and its commits
agents, agent_process, agent_calls, agent_result      an agent is a command
run_log, progress        what a run says while it works
"""
