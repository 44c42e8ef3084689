"""Tests of the store, on real databases and with real processes."""
