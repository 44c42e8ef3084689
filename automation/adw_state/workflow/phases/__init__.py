"""The phases of a run.

`plan`, `change`, `verdict` and `command` are the kinds (`kinds` names them), `steps` does every step once,
`attempts` makes an attempt of a phase. `prompts` and `feedback` are what an agent is told; `verdict_text`
reads what one that judges has answered.
"""
