"""What is collected of readers, in plain words, as it follows from the settings in force."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from linkweir.db import accounts_table
from linkweir.db.dimensions import CLICK_DIMENSIONS, DIMENSIONS

MAX_RETENTION_DAYS: Final = 30  # days, by the outside contract
DisclosureSection = tuple[str, list[str]]  # a heading and its paragraphs


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureSettings:
    """What the operator has set. `places`: addresses are looked up in a file of countries; days are the longest that
    any sender here keeps things, unless a mail asks for another time.
    """

    honors_opt_out: bool
    truncates_ips: bool
    has_geoip: bool
    metadata_retention_days: int
    content_retention_days: int


def load_settings(
    connection: Connection, *, honors_opt_out: bool, truncates_ips: bool, has_geoip: bool
) -> DisclosureSettings:
    """What the operator has set, with the longest retention of all accounts."""
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
        ("What is noted", _recorded_data(settings)),
        ("Machines and people", [_MACHINES]),
        ("If you do not want this", [_OPT_OUT_HONORED if settings.honors_opt_out else _OPT_OUT_IGNORED]),
        ("How long it is kept", _retention_periods(settings)),
        ("What is yours to ask", [_RIGHTS]),
    ]


_PURPOSE = (
    "Some mails that are sent through this service hold tracking links. Such a link first comes here, and you are sent "
    "on at once to where it leads. That it was followed is noted, so that the sender learns which links are of use. A "
    "mail may also hold a small invisible picture; that it was loaded is noted alike. The sender sees what is noted, "
    "and may have a system of theirs told of it."
)
_MACHINES = (
    "Scanners follow links too. From the time, the number of links, the network and what the program says of itself it "
    "is judged whether a person was there; the result and the reasons for it are noted. Nothing else is judged."
)
_RIGHTS = (
    "The sender of a mail decides what is tracked and answers for it. They can hand out everything that is stored on "
    "you, and erase it: ask them, at the address that their mail names. After that, short links of theirs to you no "
    "longer work, and what mails to others say of you is no longer kept here."
)
_OPT_OUT_HONORED = (
    "Browsers can say that their owner wants no tracking (Global Privacy Control, Do Not Track). That is heeded: such "
    "a visit is noted as anonymous, whatever the link says."
)
_OPT_OUT_IGNORED = (
    "What browsers say against tracking (Global Privacy Control, Do Not Track) is not heeded here: the operator has "
    "turned that off. Ask the sender for mails without tracking."
)


def _recorded_data(settings: DisclosureSettings) -> list[str]:
    address = "your network address without its last part" if settings.truncates_ips else "your network address"
    place = ", and from the address the country and region" if settings.has_geoip else ""
    requested = "".join(f", the {one.disclosure}" for one in CLICK_DIMENSIONS if one.from_request)
    known = [one for one in CLICK_DIMENSIONS if settings.has_geoip or one.name != "country"]
    coarse = " and ".join(f"the {one.disclosure}" for one in known if one.is_coarse)
    hints = (
        "whether the network is known to be a scanner's or a data centre's, whether the program says that it is a "
        "robot, whether the page was fetched ahead, and which usual parts the request left out"
    )
    return [
        "Each link says how much may be noted. The sender, the mail, or a setting for you decides; the strictest wins.",
        f"In full: the time, the link and where it leads, the mail and so its recipient, {address}, what your program "
        f"says of itself{requested}, and from that the program, the system and the kind of device{place}.",
        f"Pseudonymous: the time, the link and where it leads, the mail and so its recipient, and {coarse}; no network "
        "address, and not what your program says.",
        f"Anonymous: that some link of a campaign was followed, its place in the mail, the time, and {coarse}; neither "
        "by whom nor from which mail.",
        f"In all three, to tell people from machines: {hints}.",
        "No cookie is set, and nothing is asked of your device. No network address is in a link, and no e-mail address "
        "unless the sender wrote it into where the link leads.",
    ]


def _retention_periods(settings: DisclosureSettings) -> list[str]:
    content = (
        f"for {_format_days(settings.content_retention_days)}"
        if settings.content_retention_days
        else "only until it is delivered"
    )
    grouped = [one.disclosure for one in DIMENSIONS if one.disclosure]
    return [
        f"What ties a click to you is kept for {_format_days(settings.metadata_retention_days)} at most, "
        f"and the text of a mail {content}, "
        f"unless that mail asks for another time; "
        f"{_format_days(MAX_RETENTION_DAYS)} is the longest that anybody can ask for.",
        "Where a short link leads is kept for as long as the link is to work.",
        f"Sums remain: how often a link was followed in an hour, by {', '.join(grouped)}. A destination that holds an "
        "e-mail address is not among them.",
    ]


def _format_days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
