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
        ("People and machines", [_MACHINES]),
        ("If you do not want this", [_OPT_OUT_HONORED if settings.honors_opt_out else _OPT_OUT_IGNORED]),
        ("How long it is stored", _retention_periods(settings)),
        ("Your rights", [_RIGHTS]),
    ]


_PURPOSE = (
    "Some mails that are sent through this service contain tracking links. Such a link opens this service first, which "
    "records the click and redirects you to the destination, so that the sender learns which links are used. A mail "
    "may also contain an invisible image, whose loading is recorded too, and a hidden link for recognizing scanners. "
    "The sender can see these records, and may have them sent to another system."
)
_MACHINES = (
    "The scanners of mail servers follow links too. The service estimates whether a person clicked, and records the "
    "result and its reasons. It uses the time, the number of links that were followed, the network, the headers of "
    "the request, and earlier clicks by the same program from the same network. Nothing else is estimated."
)
_RIGHTS = (
    "The sender of a mail decides what is tracked and is responsible for it. The sender can export or erase all data "
    "that is stored here about you: write to the contact address in the mail. After erasure, short links in mails to "
    "you no longer work, and stored mails to other people that name you are deleted."
)
_OPT_OUT_HONORED = (
    "Browsers can signal that you do not want tracking (Global Privacy Control, Do Not Track). This is honored: such "
    "a click is recorded in anonymous mode, whatever the privacy mode of the link."
)
_OPT_OUT_IGNORED = (
    "Browser signals against tracking (Global Privacy Control, Do Not Track) are not honored here: the operator has "
    "turned that off. Ask the sender for mails without tracking."
)


def _recorded_data(settings: DisclosureSettings) -> list[str]:
    address = "your IP address without its last part" if settings.truncates_ips else "your IP address"
    location = ", and from the IP address the country and region" if settings.has_geoip else ""
    requested = "".join(f", the {dimension.disclosure}" for dimension in CLICK_DIMENSIONS if dimension.from_request)
    known = [dimension for dimension in CLICK_DIMENSIONS if settings.has_geoip or dimension.name != "country"]
    coarse = " and ".join(f"the {dimension.disclosure}" for dimension in known if dimension.is_coarse)
    hints = (
        "whether the network is known to belong to a scanner or a data centre, whether the program calls itself a "
        "robot, whether the link was fetched before anybody opened it, which headers that browsers usually send were "
        "missing, and whether the sender has listed the network or the recipient as its own"
    )
    return [
        "What is recorded depends on the privacy mode of the link. The operator sets it for all mails; the sender can "
        "set it for all its mails, a domain, a mail or a recipient. The strictest of these applies.",
        f"Full mode: the time, the link and its destination, the mail and its recipient, {address}, the user agent of "
        f"your browser{requested}, and from the user agent the program, the system and the kind of device{location}.",
        f"Pseudonymous mode: the time, the link and its destination, the mail and its recipient, and {coarse}; no IP "
        "address and no user agent.",
        f"Anonymous mode: the campaign, the position of the link in the mail, the time, and {coarse}; not "
        "who clicked and not in which mail.",
        f"In all three modes, to tell people from machines: {hints}.",
        "Links that are not tracked lead directly to their destination, and nothing is recorded.",
        "No cookie is set, and nothing is stored on your device. A link contains no IP address, and no e-mail address "
        "unless the sender put one into the destination.",
    ]


def _retention_periods(settings: DisclosureSettings) -> list[str]:
    content = (
        f"for {_format_days(settings.content_retention_days)}"
        if settings.content_retention_days
        else "only until it is delivered"
    )
    grouped = [dimension.disclosure for dimension in DIMENSIONS if dimension.disclosure]
    return [
        f"Records that connect a click with you are stored for at most {_format_days(settings.metadata_retention_days)}"
        f", and the content of a mail {content}. The sender can set another period for a single mail; the maximum is "
        f"{_format_days(MAX_RETENTION_DAYS)}.",
        "The destination of a short link is stored for as long as the link works.",
        f"After that, totals remain: the number of clicks in each hour, by {', '.join(grouped[:-1])} and {grouped[-1]}"
        ". Destinations that contain an e-mail address are left out.",
    ]


def _format_days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
