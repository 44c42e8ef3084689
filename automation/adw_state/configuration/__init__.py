"""The configuration of a project: its settings, its workflows and their phases, prompts, worktrees."""
