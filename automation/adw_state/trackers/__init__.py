"""Trackers: which one a project has, where its files are, and its issues.

Ask here: where is the database (`locate`), what does an issue say (`tracker`), which git repository is this
(`repository`). Nothing in this room writes to a tracker.

Every command starts by finding the database, so this room is quick to load: most of its records are named
tuples, which Python makes several times faster than dataclasses, and `bd` is started only where it is asked.
"""
