"""Benchmarks: how fast queries, store, reconciling and the command's start are on this machine.

Milliseconds do not carry over to another machine; ratios do. `store` and `startup` therefore measure
against something bare in the same run, side by side; `queries` and `reconciling` have targets in
milliseconds.
"""
