"""A mix to judge verdicts on once: `generate(seed, mails)`.

Written before the rules were read again, from public sources only (`citations.py`), around receiving domains: each has
its own filters, set up in its own way, and people who share its way out. Nobody tunes on it. Imports nothing of the
classifier; shares with the other mixes what browsers send and which networks are whose, which are facts.
"""

from bench.simulator.tenants.domains import generate

__all__ = ["generate"]
