"""The mix that rules are tuned on: `generate(seed, mails)`.

Made from the public sources in `sources.py`; every table says which of them its figures come from, or that they are
own judgement. Each seed shifts the shares. Imports nothing of the classifier.
"""

from bench.simulator.development.population import generate

__all__ = ["generate"]
