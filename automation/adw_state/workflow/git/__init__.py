"""The run's own place in git.

`repository` checks the project's, `worktrees` makes a worktree and branch, `commits` commits a step once,
`command` runs git.
"""
