"""A second mix that rules are tuned on: `generate(seed, mails)`.

Written from a survey of measurements and reports, with other fleets, paces, shares and people than the development mix,
so that curves which fit one of them can be checked on the other. Imports nothing of the classifier; shares with the
development mix only what browsers send and which networks are whose, which are facts.
"""

from bench.simulator.survey.mailings import generate

__all__ = ["generate"]
