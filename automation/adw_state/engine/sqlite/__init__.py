"""The engine: all that knows SQLite's driver, and all that is true of SQLite's files only.

`driver` names the driver's types for others and makes databases in memory; `connection` opens files,
`faults` turns the driver's errors into ours, by code; `readers` and `surroundings` serve the `Database`;
`backup` and `private_copy` copy files. Nothing outside this package imports a driver.
"""
