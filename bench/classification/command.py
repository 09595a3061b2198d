"""`python -m bench classification`: the quality of verdicts on a mix of labelled traffic, and that of other systems."""

import argparse
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bench.classification import peers, report
from bench.classification.labelled_hits import LabelledHits, label_hits
from bench.classification_run import judge_incrementally
from bench.simulator.clients import Campaign
from linkweir.clicks.known_networks import KnownNetworks

MIXES = ("development", "survey", "holdout", "tenants", "simulator")
LAGGING_BATCH_HITS = 500  # events in one transaction of a worker that has much to do
RULES_SEEDS = (1, 2)


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to judge the same traffic once more."""

    name: str
    coarse: bool = False
    batch_hits: int | None = None
    networks: bool = True
    remember: bool = True
    http_version: str | None = None


VARIANTS = (
    Variant("pseudonymous", coarse=True),
    Variant("lagging worker", batch_hits=LAGGING_BATCH_HITS),
    Variant("without lists of networks", networks=False),
    Variant("without earlier messages", remember=False),
    Variant("behind a proxy that speaks HTTP/1.0", http_version="1.0"),
)


def load_mix(name: str) -> Callable[[int, int], Campaign]:
    """The function that makes the traffic of a mix. Raises SystemExit where there is none by this name."""
    if name == "simulator":
        from bench.simulator.traffic import generate_campaign_series

        return lambda seed, mails: generate_campaign_series(seed, max(1, mails // 6), 6, lists=False)
    try:
        module = importlib.import_module(f"bench.simulator.{name}")
    except ModuleNotFoundError as error:
        raise SystemExit(f"bench classification: no mix {name!r}: {error}") from None
    generate: Callable[[int, int], Campaign] = module.generate
    return generate


def judge(campaigns: Sequence[Campaign], variant: Variant) -> LabelledHits:
    """All campaigns in this way, each by a service that is new to it."""
    networks = KnownNetworks.load() if variant.networks else None
    judged = (
        judge_incrementally(
            _change_http_version(one, variant.http_version),
            coarse=variant.coarse,
            networks=networks,
            batch_hits=variant.batch_hits,
            remember=variant.remember,
        )
        for one in campaigns
    )
    return label_hits(judged, [len(one.mails) for one in campaigns])


def _change_http_version(campaign: Campaign, version: str | None) -> Campaign:
    if version is None:
        return campaign
    mails = [
        replace(mail, requests=[replace(request, http_version=version) for request in mail.requests])
        for mail in campaign.mails
    ]
    return replace(campaign, mails=mails)


def compare_peers(hits: LabelledHits, campaigns: Iterable[Campaign]) -> dict[str, LabelledHits]:
    """What the rules of other systems say of the same hits."""
    said: dict[str, dict[tuple[int, int], str]] = {name: {} for name in peers.PEERS}
    order: list[tuple[int, int]] = []
    offset = 0
    for campaign in campaigns:
        keys = [(offset + mail.number, index) for mail in campaign.mails for index in range(len(mail.requests))]
        for name, verdicts in peers.judge_all(campaign).items():
            said[name].update(zip(keys, verdicts, strict=True))
        order += [
            (offset + mail.number, index)
            for mail, index in sorted(
                ((mail, index) for mail in campaign.mails for index in range(len(mail.requests))),
                key=lambda one: one[0].requests[one[1]].at,
            )
        ]
        offset += len(campaign.mails)
    return {name: hits.with_verdicts([verdicts[key] for key in order]) for name, verdicts in said.items()}


def main(arguments: Sequence[str]) -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m bench classification", description="How well verdicts hold.")
    parser.add_argument("--mix", choices=MIXES, default="development", help="which traffic (default: %(default)s)")
    parser.add_argument("--mails", type=int, default=4000, help="mails in all (default: %(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(RULES_SEEDS), help="default: 1 2")
    parser.add_argument("--quick", action="store_true", help="without the other ways to judge and other systems")
    options = parser.parse_args(arguments)
    generate = load_mix(options.mix)
    campaigns = [generate(seed, max(1, options.mails // len(options.seeds))) for seed in options.seeds]
    hits = judge(campaigns, Variant("as the service does"))
    print(report.format_report(options.mix, options.seeds, hits))
    if not options.quick:
        print(report.format_variants(hits, {one.name: judge(campaigns, one) for one in VARIANTS}))
        print(report.format_peers(hits, compare_peers(hits, campaigns)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
