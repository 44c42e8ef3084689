"""The doctor: finds what is wrong with our tables and the file they live in, and mends what is safe.

`examination` goes through the checks, one module per question:

    place        which tracker, does bd use the same file (`asking_bd`), do the versions fit
    soundness    can the file be read and written, is our schema as the migrations make it
    guests       would a stored view or trigger of anybody stop bd (`replay`, `reading`)
    content      rows from the future, archives, dead owners, healings
    left_behind  history in a former home, a quarantined file, a backup, a JSON state
    files        permissions, owners, logs without a database, leftovers

Each finding says what was seen, why it matters and which command mends it. Checks write nothing.
`mending` does what is safe, after a backup where the database changes (`remaking`: views and triggers).
"""
