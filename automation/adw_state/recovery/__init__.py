"""Recovery: history comes back after somebody rebuilt, replaced or moved the file it lay in.

`moving` takes it along when a project changes its tracker; the rest is `adw restore`.
`places` knows where old files lie, `old_database` opens one without disturbing it, `runs` reads what it
holds, `json_states` reads the same from the JSON states of a project. `merge` takes one run at a time
into a database: what is missing comes in, what is older here is brought up to date, what is newer here
stays. `restoring` puts them together, and rehearses the whole on a copy before anything is written.
"""
