"""What the phases of a project import."""
