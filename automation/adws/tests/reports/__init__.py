"""Reports: what every number means, the same from both backends, and how it is printed."""
