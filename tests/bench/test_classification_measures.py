"""The judge of verdicts counts what it says, and other systems' rules do what their sources say."""

import numpy as np
import pytest
from bench.classification import peers
from bench.classification.command import Variant as JudgeVariant
from bench.classification.command import compare_peers, judge, load_mix, main
from bench.classification.labelled_hits import LabelledHits
from bench.classification.measures import (
    Ratio,
    bootstrap,
    by_actor,
    by_trait,
    calibration_bins,
    calibration_errors,
    summarize,
)
from bench.simulator.clients import Campaign, Client, Mail

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36"
)


def _make_hits() -> LabelledHits:
    """Three mails: machines only, one of them unsure; a person and a machine; a lost person and a found tester."""
    return LabelledHits(
        mail=np.array([0, 0, 1, 1, 2, 2]),
        links=np.array([1, 1, 4, 4, 9, 9]),
        truth=np.array(["machine", "machine", "human", "machine", "human", "human"]),
        actor=np.array(["burst", "echo", "one", "burst", "one", "tester"]),
        traits=((), (), ("network:home",), (), ("network:vpn",), ("habit:tester", "network:home")),
        verdict=np.array(["machine", "unsure", "human", "machine", "machine", "internal"]),
        machine_probability=np.array([0.95, 0.6, 0.05, 0.95, 0.92, 0.5]),
        reference_probability=np.array([0.95, 0.6, 0.05, float("nan"), 0.92, 0.5]),
        mails=3,
    )


def _figures(hits: LabelledHits) -> dict[tuple[str, str], float]:
    return {(one.group, one.name): one.value for one in summarize(hits)}


def test_figures_are_the_parts_that_they_are_called() -> None:
    """Precision, recall, people lost with and without testers, and falsely clicked mails, counted by hand."""
    figures = _figures(_make_hits())
    assert figures["machine precision", "all"] == pytest.approx(2 / 3)
    assert figures["machine recall", "all"] == pytest.approx(2 / 3)
    assert figures["machine recall", "1 link"] == pytest.approx(1 / 2)
    assert figures["people lost, without testers and habitual openers", "all"] == pytest.approx(1 / 2)
    assert figures["people lost, with them", "all"] == pytest.approx(1 / 3)
    assert figures["testers judged internal", "all"] == 1
    assert figures["machines' mails falsely clicked", "contract's Clicked"] == 1
    assert figures["machines' mails falsely clicked", "shown: some hit likelier a person's"] == 0
    assert figures["people's mails not clicked", "contract's Clicked"] == pytest.approx(1 / 2)
    assert {one.name: one.value for one in by_actor(_make_hits())}["burst"] == 1
    assert {one.name: one.value for one in by_trait(_make_hits())}["network:vpn"] == 1


def test_calibration_leaves_out_the_senders_own_people() -> None:
    """Bins hold the hits that probabilities are about, and their error is the mean of squares."""
    hits = _make_hits()
    bins = calibration_bins(hits)
    assert sum(one.hits for one in bins) == 5
    assert bins[-1].hits == 3
    assert bins[-1].observed == pytest.approx(2 / 3)
    brier, error, _ = calibration_errors(hits)
    assert brier == pytest.approx((0.05**2 * 3 + 0.4**2 + 0.92**2) / 5)
    assert 0 < error < 1


def test_intervals_cover_the_true_part() -> None:
    """Of many samples about 95 in 100 have an interval that holds the part they were drawn with."""
    rng, covered = np.random.default_rng(3), 0
    for seed in range(60):
        part = (rng.random(300) < 0.3).astype(float)
        (interval,) = bootstrap([Ratio("", "", part, np.ones(300))], seed=seed)
        covered += interval.low <= 0.3 <= interval.high
    assert covered >= 50


def test_other_systems_do_what_they_say() -> None:
    """A burst, a crawler's name, a quick click and a late one, as each system's rules take them."""
    mail, client = Mail(0, 3, 0.0), Client("24.16.1.2", BROWSER, {})
    for link in range(3):
        mail.add(400 + link / 10, link, client, "machine/burst")
    mail.add(9000, 0, Client("24.16.1.2", "curl/8.5.0", {}), "machine/library")
    mail.add(20, 1, Client("24.16.9.9", BROWSER, {}), "human/one")
    mail.add(9999, 1, Client("24.16.9.9", BROWSER, {}), "human/one")
    said = peers.judge_all(Campaign([mail]))
    assert said["crawler-user-agents"] == ["human"] * 3 + ["machine", "human", "human"]
    assert said["within 1 minute"] == ["human"] * 4 + ["machine", "human"]
    assert said["as Warmbly"] == ["machine"] * 5 + ["human"]
    assert said["as MillionSend"] == ["machine"] * 4 + ["human"] * 2
    assert said["as Twenty"] == ["machine"] * 4 + ["human"] * 2


def test_the_judge_sees_every_request(capsys: pytest.CaptureFixture[str]) -> None:
    """Every request is judged once in each way, for each system, and the command prints all tables."""
    campaigns = [load_mix("development")(seed, 250) for seed in (1, 2)]
    hits = judge(campaigns, JudgeVariant("as the service does"))
    requests = [one for campaign in campaigns for mail in campaign.mails for one in mail.requests]
    assert len(hits.mail) == len(requests)
    assert sorted(hits.actor) == sorted(one.actor for one in requests)
    others = compare_peers(hits, campaigns)
    assert set(others) == set(peers.PEERS)
    assert _figures(others["crawler-user-agents"])["machine precision", "all"] > 0.9
    assert main(["--mails", "300", "--seeds", "3"]) == 0
    output = capsys.readouterr().out
    assert all(
        title in output
        for title in ("### Calibration, with the base rate given", "### Kinds of people", "### Other systems")
    )
    with pytest.raises(SystemExit):
        main(["--mix", "nonsense"])
