"""Where does a run work, and what did its agent change?

`repository` checks the project's, `worktrees` makes a worktree and branch, `tree_state` finds what changed,
`commits` commits a step once, `leftovers` keeps what belongs to no step. `command` is the one place that runs
git.
"""
