"""Labelled traffic: who really followed the links of made-up mails, people or machines, and how.

Written from what the field says of both, and apart from the classifier, of which nothing is imported here: it must not
know what it is asked. Everything follows from a seed.
"""
