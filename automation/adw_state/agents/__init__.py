"""An agent is a command, and a way to understand what it prints.

`choice` says which agent a name stands for. A kind of agent is a module, such as `codex`: the words that it
is called with, how it begins and resumes a session, and a `reading.Reading` that is fed its output line by
line; `kinds` lists them, and `any_command` is for every other program. `listening` reads while it works, and
`calls` makes a call of an agent, or of a workflow's own command, durable. `prices` estimates what tokens
cost. `scripted` is the agent that ships with this package.
"""
