"""Columns in the libraries and engines that people run; each module needs the package whose name it has."""
