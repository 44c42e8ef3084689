"""Paths that projects of the beads kind know; each leads to the library, `adw_state`, in a few lines."""
