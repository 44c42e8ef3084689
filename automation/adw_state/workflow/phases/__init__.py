"""The phases of a run.

`change` (plan and change), `verdict` and `command` do the kinds, `attempts` makes an attempt of one; `steps`
does every step once. `prompts` is what an agent is told; `verdict_text` reads what one that judges answered.
"""
