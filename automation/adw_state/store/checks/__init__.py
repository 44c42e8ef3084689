"""The checks of a database by itself, one per module; `store.health` runs them, and so does the doctor."""
