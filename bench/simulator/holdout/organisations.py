"""Organisations with their filters, and people with their devices and habits: what there is, and how frequent.

Organisations and people return in many mailings, with the same filters, devices and habits each time.
"""

from dataclasses import dataclass, field

from bench.simulator.holdout.devices import Device
from bench.simulator.holdout.fleets import Fleet
from bench.simulator.holdout.networks import Network

# The filter of a company, with what its machines do. Which vendor: own judgement after omnivery, evalanche-share,
# live-direct and MillionSend#22 (Microsoft first); the behaviours' sources stand with them.
FILTERS: dict[str, tuple[str, float]] = {  # behaviour: (fleet, share of companies)
    "none": ("", 0.49),
    "burst": ("defender", 0.085),
    "fleet-single": ("defender", 0.05),
    "head-first": ("defender", 0.035),
    "before-delivery": ("google-cloud", 0.02),
    "two-waves": ("defender", 0.015),
    "ordered-row": ("appliance", 0.035),
    "sandbox": ("sandbox", 0.05),
    "many-sources": ("proofpoint", 0.045),
    "spray": ("barracuda", 0.04),
    "first-link": ("barracuda", 0.04),
    "slow-drip": ("cisco", 0.03),
    "quarantine": ("proofpoint", 0.015),
    "library": ("library", 0.015),
    "legacy-browser": ("legacy", 0.005),
    "residential": ("residential", 0.02),
    "report-sandbox": ("sandbox", 0.01),
}
SECOND_FILTER_SHARE = 0.17  # several layers (goldphish); how many companies: own judgement
ARCHIVE_SHARE = 0.06  # of companies, journals (smarsh); own judgement
RESCAN_SHARE = 0.22  # of companies with a filter: again hours or days later (live-direct, suped-timing); own judgement
# What checks at the time of a click, of companies with Microsoft's, Proofpoint's or Mimecast's rewriting. thomask,
# FusionAuth#629, mimecast-help, live-direct; the shares are own judgement.
CLICK_CHECKS = {"none": 0.62, "check-head": 0.15, "check-get": 0.11, "check-agent": 0.04, "echo": 0.08}
# What a person's own programs do beside a click: own judgement but for toolbars, 2 to 3 of 100 (se-39616).
COMPANIONS = {
    "none": 0.809, "antivirus": 0.045, "antivirus-arrival": 0.006, "toolbar": 0.025, "hover-preview": 0.03,
    "office-prefetch": 0.04, "app-prefetch": 0.03, "echo": 0.015,
}  # fmt: skip
PROVIDERS = {  # consumers' mailboxes, own judgement; what they do: (behaviour, fleet, share of their mails)
    "gmail.example": 0.46, "outlook.example": 0.24, "yahoo.example": 0.10, "icloud.example": 0.12, "isp.example": 0.08,
}  # fmt: skip
PROVIDER_FILTERS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "gmail.example": (("provider-fetch", "google", 0.05), ("same-link", "ec2", 0.03), ("burst", "google-cloud", 0.03)),
    "outlook.example": (
        *(("burst", "outlook", 0.2), ("provider-fetch", "outlook", 0.07), ("fleet-single", "outlook", 0.08)),
        ("sandbox", "outlook", 0.04),
    ),  # suped-outlook, exchangetuts, phplist#415
    "yahoo.example": (("first-link", "ec2", 0.07), ("spray", "ec2", 0.05), ("provider-fetch", "ec2", 0.03)),
    "icloud.example": (("many-sources", "ec2", 0.05), ("residential", "residential", 0.03)),
    "isp.example": (("ordered-row", "hosting", 0.10), ("library", "library", 0.08), ("persistent", "hosting", 0.02)),
}
# Where people are connected. A third of adults has a VPN, most not always on (vpn-survey); private-relay is some
# permille of all and so a few percent of Safari's; stripping proxies 1.07 % (lognormal-1.07); the rest own judgement
# after warmbly#412.
HOME_NETWORKS = {
    "home": 0.903,
    "vpn": 0.06,
    "private-relay": 0.02,
    "stripping-proxy": 0.008,
    "http10-proxy": 0.003,
    "tor": 0.006,
}
OFFICE_NETWORKS = {
    "office": 0.675, "home": 0.13, "zscaler": 0.06, "vpn": 0.04, "cloud-desktop": 0.03, "isolation": 0.03,
    "stripping-proxy": 0.025, "http10-proxy": 0.01,
}  # fmt: skip
# What somebody does with the mails they click in. Own judgement; launchbit says on which links.
HABITS = {"reads": 0.89, "opens-tabs": 0.07, "in-order": 0.03, "opens-all": 0.01}
PHONE_SHARE_OF_CONSUMERS = 0.52  # of clicks; experian-2015 had 38 % and cm-2013 a third, it has grown since
PHONE_SHARE_AT_WORK = 0.19  # experian-2015: 81 % of clicks in B2B are from desktops


@dataclass(slots=True)
class Filter:
    """A layer of protection: what it does, with which machines, and to which share of the mails.

    `pace` makes one filter slower than the other, `favourite` is the link it always prefers, `address` that of an
    appliance behind the office's NAT.
    """

    behaviour: str
    fleet: Fleet
    share: float
    pace: float
    favourite: int = 0
    address: str = ""


@dataclass(slots=True)
class Organisation:
    """A company or a provider of mailboxes."""

    domain: str
    business: bool
    filters: list[Filter]
    check: str = "none"
    office: Network | None = None
    network: str = ""


@dataclass(slots=True)
class Person:
    """Somebody with an address, in an organisation; `sittings` are when mails were read so far."""

    address: str
    organisation: Organisation
    devices: tuple[Device, ...]
    habit: str
    companion: str
    activity: float
    sittings: list[float] = field(default_factory=list)

    def desk(self) -> Device:
        """The device that is not a phone."""
        return next(device for device in self.devices if device.browser.system not in ("iphone", "android"))
