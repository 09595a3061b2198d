"""The public disclosure page: what is collected of readers, as it follows from the settings in force."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from linkweir.db import accounts_table
from linkweir.db.dimensions import CLICK_DIMENSIONS, DIMENSIONS
from linkweir.translation import gettext, gettext_noop, ngettext, translate

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
    """The page's sections in order, in the language that is set."""
    opt_out = _OPT_OUT_HONORED if settings.honors_opt_out else _OPT_OUT_IGNORED
    return [
        (gettext("What this service does"), [gettext(_PURPOSE)]),
        (gettext("What is recorded"), _recorded_data(settings)),
        (gettext("People and machines"), [gettext(_MACHINES)]),
        (gettext("If you do not want this"), [gettext(opt_out)]),
        (gettext("How long it is stored"), _retention_periods(settings)),
        (gettext("Your rights"), [gettext(_RIGHTS)]),
    ]


_PURPOSE = gettext_noop(
    "Some mails that are sent through this service contain tracking links. Such a link opens this service first, which "
    "records the click and redirects you to the destination, so that the sender learns which links are used. A mail "
    "may also contain an invisible image, whose loading is recorded too, and a hidden link for recognizing scanners. "
    "The sender can see these records, and may have them sent to another system."
)
_MACHINES = gettext_noop(
    "The scanners of mail servers follow links, too. The service estimates whether a person clicked, and records the "
    "result and its reasons. It uses the time, the number of links that were followed, the network, the headers of "
    "the request, and earlier clicks by the same program from the same network. Nothing else is estimated."
)
_RIGHTS = gettext_noop(
    "The sender of a mail decides what is tracked and is responsible for it. The sender can export or erase all data "
    "that is stored here about you: write to the contact address in the mail. After erasure, short links in mails to "
    "you no longer work, and stored mails to other people that name you are deleted."
)
_OPT_OUT_HONORED = gettext_noop(
    "Browsers can signal that you do not want tracking (Global Privacy Control, Do Not Track). This is honoured: such "
    "a click is recorded in anonymous mode, whatever the privacy mode of the link."
)
_OPT_OUT_IGNORED = gettext_noop(
    "Browser signals against tracking (Global Privacy Control, Do Not Track) are not honoured here: the operator has "
    "turned that off. Ask the sender for mails without tracking."
)


def _recorded_data(settings: DisclosureSettings) -> list[str]:
    whole, cut = gettext("your IP address"), gettext("your IP address without its last part")
    address = cut if settings.truncates_ips else whole
    location = gettext(", and from the IP address the country and region") if settings.has_geoip else ""
    requested = "".join(f", {translate(each.article_disclosure)}" for each in CLICK_DIMENSIONS if each.from_request)
    known = [dimension for dimension in CLICK_DIMENSIONS if settings.has_geoip or dimension.name != "country"]
    coarse = gettext(" and ").join(translate(each.article_disclosure) for each in known if each.is_coarse)
    hints = gettext(
        "whether the network is known to belong to a scanner or a data centre, whether the program calls itself a "
        "robot, whether the link was fetched before anybody opened it, which headers that browsers usually send were "
        "missing, and whether the sender has listed the network or the recipient as its own"
    )
    return [
        gettext(
            "What is recorded depends on the privacy mode of the link. The operator sets it for all mails; the sender "
            "can set it for all its mails, a domain, a mail or a recipient. The strictest of these applies."
        ),
        gettext(
            "Full mode: the time, the link and its destination, the mail and its recipient, %(address)s, the user "
            "agent (the text by which your browser names itself)%(requested)s, and from the user agent the program, "
            "the system and the kind of device%(location)s.",
            address=address,
            requested=requested,
            location=location,
        ),
        gettext(
            "Pseudonymous mode: the time, the link and its destination, the mail and its recipient, and %(coarse)s; no "
            "IP address and no user agent.",
            coarse=coarse,
        ),
        gettext(
            "Anonymous mode: the campaign, the position of the link in the mail, the time, and %(coarse)s; not "
            "who clicked and not in which mail.",
            coarse=coarse,
        ),
        gettext("In all three modes, to tell people from machines: %(hints)s.", hints=hints),
        gettext("Links that are not tracked lead directly to their destination, and nothing is recorded."),
        gettext(
            "No cookie is set, and nothing is stored on your device. A link contains no IP address, and no e-mail "
            "address unless the sender put one into the destination."
        ),
    ]


def _retention_periods(settings: DisclosureSettings) -> list[str]:
    if settings.content_retention_days:
        content = gettext("for %(period)s", period=_format_days(settings.content_retention_days))
    else:
        content = gettext("only until it is delivered")
    grouped = [translate(dimension.disclosure) for dimension in DIMENSIONS if dimension.disclosure]
    return [
        gettext(
            "Records that connect a click with you are stored for at most %(records)s, and the content of a mail "
            "%(content)s. The sender can set another period for a single mail; the maximum is %(most)s.",
            records=_format_days(settings.metadata_retention_days),
            content=content,
            most=_format_days(MAX_RETENTION_DAYS),
        ),
        gettext("The destination of a short link, which does not contain it, is stored for as long as the link works."),
        gettext(
            "After these periods, totals remain: the number of clicks in each hour, by %(values)s. Destinations that "
            "contain an e-mail address are left out.",
            values=gettext(" and ").join((", ".join(grouped[:-1]), grouped[-1])),
        ),
    ]


def _format_days(count: int) -> str:
    return ngettext("%(num)s day", "%(num)s days", count)
