"""The public disclosure page: what is collected of readers, as it follows from the settings in force."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from linkweir.db import accounts_table
from linkweir.db.dimensions import CLICK_DIMENSIONS, DIMENSIONS

MAX_RETENTION_DAYS: Final = 30  # days, by the outside contract
DisclosureSection = tuple[str, list[str]]  # a heading and its paragraphs


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureSettings:
    """The operator's settings. `has_geoip`: addresses are looked up in a GeoIP file; days are the longest retention of
    any sender here, unless a mail asks for another.
    """

    honors_opt_out: bool
    truncates_ips: bool
    has_geoip: bool
    metadata_retention_days: int
    content_retention_days: int


def load_settings(
    connection: Connection, *, honors_opt_out: bool, truncates_ips: bool, has_geoip: bool
) -> DisclosureSettings:
    """Load the operator's settings and the longest retention of all accounts."""
    metadata, content = accounts_table.get_max_retention_days(connection)
    return DisclosureSettings(
        honors_opt_out=honors_opt_out,
        truncates_ips=truncates_ips,
        has_geoip=has_geoip,
        metadata_retention_days=metadata,
        content_retention_days=content,
    )


def disclosure_sections(settings: DisclosureSettings) -> list[DisclosureSection]:
    """The page's sections in order."""
    return [
        ("What this service does", [_PURPOSE]),
        ("What is recorded", _recorded_data(settings)),
        ("Machines and people", [_MACHINES]),
        ("If you do not want this", [_OPT_OUT_HONORED if settings.honors_opt_out else _OPT_OUT_IGNORED]),
        ("How long it is kept", _retention_periods(settings)),
        ("Your rights", [_RIGHTS]),
    ]


_PURPOSE = (
    "Some mails that are sent through this service contain tracking links. Such a link opens this service first, which "
    "redirects you to the destination and records the click, so that the sender learns which links are used. A "
    "mail may also contain a small invisible image; loading it is recorded too. The sender can see these records, "
    "and may have them sent to another system."
)
_MACHINES = (
    "Scanners follow links too. From the time, the number of links, the network and the headers of the request, the "
    "service estimates whether a person clicked, and records the result and its reasons. Nothing else is estimated."
)
_RIGHTS = (
    "The sender of a mail decides what is tracked and is responsible for it. The sender can export or erase all data "
    "that is stored about you: ask at the contact address in the mail. After erasure, short links in mails to you no "
    "longer work, and stored mails to other people that name you are removed."
)
_OPT_OUT_HONORED = (
    "Browsers can signal that you do not want tracking (Global Privacy Control, Do Not Track). This is honored: such "
    "a click is recorded as anonymous, whatever the privacy mode of the link."
)
_OPT_OUT_IGNORED = (
    "Browser signals against tracking (Global Privacy Control, Do Not Track) are not honored here: the operator has "
    "turned that off. Ask the sender for mails without tracking."
)


def _recorded_data(settings: DisclosureSettings) -> list[str]:
    address = "your network address without its last part" if settings.truncates_ips else "your network address"
    location = ", and from the address the country and region" if settings.has_geoip else ""
    requested = "".join(f", the {dimension.disclosure}" for dimension in CLICK_DIMENSIONS if dimension.from_request)
    known = [dimension for dimension in CLICK_DIMENSIONS if settings.has_geoip or dimension.name != "country"]
    coarse = " and ".join(f"the {dimension.disclosure}" for dimension in known if dimension.is_coarse)
    hints = (
        "whether the network is known to be a scanner's or a data centre's, whether the program says that it is a "
        "robot, whether the link was fetched ahead, and which usual headers the request left out; and whether "
        "the sender says that the network or the recipient is the sender's own"
    )
    return [
        "Each link has a privacy mode. It can be set for the sender, the mail or the recipient; the strictest applies.",
        f"In full: the time, the link and its destination, the mail and its recipient, {address}, the user agent of "
        f"your browser{requested}, and from that the program, the system and the kind of device{location}.",
        f"Pseudonymous: the time, the link and its destination, the mail and its recipient, and {coarse}; no network "
        "address and no user agent.",
        f"Anonymous: the campaign, the position of the link in the mail, the time, and {coarse}; not "
        "who clicked and not in which mail.",
        f"In all three, to tell people from machines: {hints}.",
        "No cookie is set, and nothing is asked of your device. No network address is in a link, and no e-mail address "
        "unless the sender put it into the destination.",
    ]


def _retention_periods(settings: DisclosureSettings) -> list[str]:
    content = (
        f"for {_format_days(settings.content_retention_days)}"
        if settings.content_retention_days
        else "only until it is delivered"
    )
    grouped = [dimension.disclosure for dimension in DIMENSIONS if dimension.disclosure]
    return [
        f"Data that links a click to you is stored for {_format_days(settings.metadata_retention_days)} at most, "
        f"and the text of a mail {content}, "
        f"unless the sender sets another period for that mail; "
        f"{_format_days(MAX_RETENTION_DAYS)} is the maximum.",
        "Where a short link leads is kept for as long as the link is to work.",
        f"Totals remain: the number of clicks in each hour, by {', '.join(grouped)}. A destination that holds an "
        "e-mail address is not among them.",
    ]


def _format_days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
