"""An agent is a command.

`choice` says which command a name stands for, `process` runs and stops it, `calls` makes a call durable;
`commands` does the same for a workflow's own commands. `protocol` and `result` understand what an agent
answered, and `scripted` is the agent that ships with this package.
"""
