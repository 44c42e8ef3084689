"""Recovery: history comes back after somebody rebuilt, replaced or moved the file it lay in.

`places` knows where old files lie, `old_database` opens one without disturbing it, `old_runs` reads what it
holds, `json_states` reads the same from the JSON states of a project; `sources` are both alike. `restoring`
takes one run at a time into a database (`store.importing`), and rehearses the whole on a copy before anything
is written. A project that changed its tracker brings its history along in the same way, from the previous
locations. `upgrade` makes room for our tables where previous ones are; `earlier` says what the rows of an
earlier implementation become, with `earlier_values` (times, texts and notes).
"""
