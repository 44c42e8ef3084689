"""The phases as scripts of their own, for teams that chain them by themselves.

    uv run python adws/adw_phases/adw_plan.py ISSUE [ADW_ID]
    uv run python adws/adw_phases/adw_build.py ISSUE [ADW_ID]
    uv run python adws/adw_phases/adw_review.py ISSUE [ADW_ID]

Without ADW_ID the newest unfinished execution of the issue is meant; plan begins one where there is
none. Each is `adw phase` for one phase.
"""
