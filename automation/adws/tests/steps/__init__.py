"""The Python step API: programs of others, killed and resumed."""
