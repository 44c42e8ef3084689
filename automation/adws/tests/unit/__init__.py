"""Tests of parts that need no database."""
