"""The matrix: what real trackers do, beside our tables, flow by flow and version by version.

A flow is something that people do with bd. Each runs in a fresh copy of a project whose tracker was made
by one version of bd and whose issues all have executions, attempts and checkpoints. Afterwards bd must
go on as if we were not there, and our rows must all be where they belong.

    projects   a project with a tracker, copied from a template per version
    schemas    our tables, and as a control those that one would naively write
    flows      what is done, and with which versions
    verdict    whether bd and our rows came through it
    grid       all of it, as a table or as JSON
"""
