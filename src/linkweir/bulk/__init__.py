"""Bulk work over files: find them, rewrite or check each, show how far it got, report on the links.

Knows files, processes and terminals; refuses to know what a link is (html) or what a token holds (token).
"""
