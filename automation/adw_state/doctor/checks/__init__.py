"""The checks of a project and its surroundings, one per module, as its `CHECK`."""
