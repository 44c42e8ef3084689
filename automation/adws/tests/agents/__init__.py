"""Agents: how each is called, and what is understood of what it prints."""
