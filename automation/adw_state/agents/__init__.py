"""An agent is a command, and a way to understand what it prints.

`choice` says which agent a name stands for; a kind of agent is a module beside it, such as `claude`, that
makes an `agent.Agent`. `process` runs a command, and `call_processes` knows and stops all that it started;
`calls` makes a call of an agent, or of a workflow's own command, durable. `scripted` is the agent that
ships with this package.
"""
