"""Bulk processing of files: find them, rewrite or check each, show progress, report on links.

Knows files, processes and terminals; knows nothing of links (`html`) or tokens (`tokens`).
"""
