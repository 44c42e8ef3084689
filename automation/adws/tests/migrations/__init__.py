"""Tests of the migrations and of what they leave in a database."""
