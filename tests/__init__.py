"""The tests: a mirror of the package, and the twin that defines right."""
