"""The phases of a run.

`plan`, `build` and `review` say what each does, `steps` does every step once, `attempts` makes an attempt
of it, `prompts` and `verdict` are what the agent is told and what it answers.
"""
