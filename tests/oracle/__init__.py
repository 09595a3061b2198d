"""Judges from outside: the html5lib suites, html5-parser, and the corpus."""
