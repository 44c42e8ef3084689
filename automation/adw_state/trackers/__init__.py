"""Trackers: which one a project has, where its files are, and its issues.

Ask here: where is the database (`locate`), which git repository is this (`repository`), what does an
issue say (`issues`). Nothing in this room writes to a tracker; `own_tracker` makes a new, beads-shaped
file where there was none.

Every command starts by finding the database, so this room is quick to load: its inner records are named
tuples, which Python makes several times faster than dataclasses, and a source of issues is loaded only
where it is asked.
"""
