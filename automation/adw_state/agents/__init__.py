"""An agent is a command.

`choice` says which command a name stands for, `process` runs and stops it, `calls` makes a call durable,
`protocol` and `result` understand what it answered, and `scripted` is the agent that ships with this package.
"""
