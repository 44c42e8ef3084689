"""The `adw` command as a user meets it: what it prints, what it refuses, and its exit codes."""
