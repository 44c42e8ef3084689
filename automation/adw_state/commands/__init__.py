"""The sub-commands of `adw`, one file per job: each parses, calls the library and prints.

`options` holds what every command takes, `output` how tables and JSON are written.
"""
