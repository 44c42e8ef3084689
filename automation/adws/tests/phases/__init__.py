"""The workflow on real git, with real processes and the scripted agent."""
