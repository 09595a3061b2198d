"""Link rules, section 2, `placeholder`: the markers of the systems that fill templates in, and what looks like one."""

from pathlib import Path

import pytest

import linkweir
from linkweir.html.outcome import Outcome
from linkweir.html.switches import Switches
from tests.html.implementations import Scanner
from tests.reference import ReferenceSwitches

# system, a marker as its manual writes it, and where that was read
SYSTEMS = [
    ("Mailchimp, Mandrill, Ecomail", "*|UNSUB|*", "support.ecomail.app/en/articles/5151377"),
    ("Brevo", "{{ contact.FIRSTNAME }}", "help.brevo.com: Personalize your emails"),
    ("HubSpot", "{{contact.firstname}}", "knowledge.hubspot.com: Personalization tokens"),
    ("Marketo", "{{lead.Email Address:default=noemail}}", "knowledge.validity.com/hc/en-us/articles/360047239072"),
    ("Klaviyo, Django", "{% unsubscribe_link %}", "help.klaviyo.com: Template tags and variable syntax"),
    ("Kentico Xperience", "{% Recipient.FirstName %}", "docs.xperience.io/k12sp: Email marketing macro expressions"),
    ("Mailster", "{unsub}", "kb.mailster.co/tags-in-mailster"),
    ("AcyMailing", "{subtag:name}", "docs.acymailing.com: Dynamic text"),
    ("CleverReach", "{UNSUBSCRIBE}", "support.cleverreach.de: Platzhalter"),
    ("Mautic", "{contactfield=firstname}", "docs.mautic.org: Contact tokens"),
    ("MailerLite", "{$unsubscribe}", "mailerlite.com/help: Personalization variables"),
    ("GetResponse, Constant Contact", "[[email]]", "getresponse.com/help: Personalization codes"),
    ("Mailjet", "[[UNSUB_LINK_EN]]", "documentation.mailjet.com: Personalization"),
    ("Emma", "[% member:first_name %]", "support.e2ma.net: Personalization tags"),
    ("Salesforce Marketing Cloud", "%%emailaddr%%", "knowledge.validity.com/hc/en-us/articles/360047239072"),
    ("Bronto", "%%!message_id%%", "knowledge.validity.com/hc/en-us/articles/360047239072"),
    ("Adobe Campaign", "<%= message.campaign_id %>", "knowledge.validity.com/hc/en-us/articles/360047239072"),
    ("Mapp", "<% User['FirstName'] %>", "docs.mapp.com/docs/personalization-tags-for-placeholders"),
    ("Braze", "${email_address}", "braze.com/docs: Supported personalization tags"),
    ("Ruby", "#{unsubscribe_url}", "docs.ruby-lang.org: String interpolation"),
    ("phpList", "[UNSUBSCRIBEURL]", "phplist.org/manual: Placeholders"),
    ("MailWizz", "[UNSUBSCRIBE_URL]", "send.mailfed.com/article/campaign-tag-filters"),
    ("MailPoet", "[link:subscription_unsubscribe_url]", "github.com/mailpoet/mailpoet/pull/708"),
    ("Sendy, Campaign Monitor", "[unsubscribe]", "sendy.co/get-started: Essential tags"),
    ("Mailgun", "%recipient.unique_id%", "documentation.mailgun.com: Batch sending"),
    ("Mailgun", "%unsubscribe_url%", "documentation.mailgun.com: Tracking messages"),
    ("ActiveCampaign", "%UNSUBSCRIBELINK%", "activepedia.com: Unsubscribe Link"),
    ("Mailcoach", "::unsubscribeUrl::", "mailcoach.app/docs/self-hosted/v5: Creating a campaign"),
    ("Newsman", "##NEWSMAN:view_online##", "kb.newsman.com/what-are-the-newsman-tags"),
    ("TYPO3 Direct Mail", "###USER_uid###", "docs.typo3.org/p/directmailteam/direct-mail: Markers"),
]
ESCAPED_MARKERS = [
    "%7B%7Bunsubscribe%7D%7D",  # github.com/zalify/easy-email-editor/issues/41
    "%7b%7bunsubscribe%7d%7d",
    "%7B%25 url %25%7D",
    "*%7CUNSUB%7C*",
    "%2A%7CUNSUB%7C%2A",
    "%5B%5Bunsubscribe%5D%5D",
    "%5B%25 url %25%5D",
    "%25%25unsubscribe%25%25",
    "%3C%25= url %25%3E",
    "$%7Burl%7D",
    "#%7Burl%7D",
    "%5Bunsubscribe%5D",
    "%25recipient.url%25",
]
WHOLE_VALUE_MARKERS = [
    "[id]",
    "[subscriber:id]",
    "%id%",
    "%recipient.id%",
    "::id::",
    "##id##",
    "###id###",
    "-id-",
    "-first_name-",
]
NON_MARKERS = [
    "?range=10-20-30",
    "?q=50%25+off",
    "/a[1]/b",
    "/a[i]/b",
    "?filter[status]=x",
    "/Foo::Bar",
    "/Foo::Bar::Baz",
    "/std::string::size",
    "/how-to-do-this",
    "/-/tree/main",
    "/--id--/",
    "?id=-1-",
    "?id=-id",
    "?id=a-id-",
    "?id=-id-a",
    "?id=[1]",
    "?id=[a b]",
    "?id=[id]x",
    "?id=x[id]",
    "?id=%C3%BCber%C3%BC",
    "?id=%2Fid%2F",
    "?id=a%id%",
    "?id=%id%a",
    "?id=::id",
    "?id=::1::",
    "?id=:id:",
    "?id=#id#",
    "?id=%7B4B1C0A6F-7D0E-4A3B-9C55-0123456789AB%7D",
    "?id=%7B%22a%22:1%7D",
    "?id=%25%20%25",
    "?id=%5B1%5D",
    "?a=*b*c|",
    "#id",
    "/#/id",
]


def get_outcome(scanner: Scanner, value: str, switches: ReferenceSwitches | None = None) -> str:
    """What becomes of a link with this value."""
    (link,) = scanner.scan(f'<a href="{value}">x</a>'.encode(), switches or ReferenceSwitches())
    return link.outcome


@pytest.mark.parametrize("marker", [marker for _, marker, _ in SYSTEMS] + ESCAPED_MARKERS)
def test_a_destination_that_begins_with_a_marker(scanner: Scanner, marker: str) -> None:
    """Nobody knows what the marker will be, so that nobody can say where the link will lead."""
    assert get_outcome(scanner, marker) == "placeholder"
    assert get_outcome(scanner, f" {marker}/x", ReferenceSwitches(track_placeholders=True)) == "placeholder"


@pytest.mark.parametrize("marker", [marker for _, marker, _ in SYSTEMS] + ESCAPED_MARKERS + WHOLE_VALUE_MARKERS)
@pytest.mark.parametrize(
    "frame", ["https://x.example/{}", "https://x.example/a/{}/b", "https://x.example/?a=1&id={}&b"]
)
def test_a_marker_as_a_whole_value_behind_the_host(scanner: Scanner, marker: str, frame: str) -> None:
    """The reader would be sent to the marker as it stands; with the switch it has been filled in already."""
    value = frame.format(marker)
    broken = "<" in marker
    assert get_outcome(scanner, value) == ("malformed" if broken else "placeholder")
    tracked = get_outcome(scanner, value, ReferenceSwitches(track_placeholders=True))
    assert tracked == ("malformed" if broken else "tracked")


@pytest.mark.parametrize("rest", NON_MARKERS)
def test_what_only_resembles_a_marker(scanner: Scanner, rest: str) -> None:
    """Brackets, colons, signs and percent-encoding that addresses really have are no markers."""
    assert get_outcome(scanner, f"https://x.example{rest}") == "tracked"


@pytest.mark.parametrize("marker", [marker for _, marker, _ in SYSTEMS if marker[0] != "<"] + ESCAPED_MARKERS)
@pytest.mark.parametrize("frame", ["https://{}/", "https://{}.x.example/", "https://u:{}@x.example/"])
def test_a_marker_in_the_authority(scanner: Scanner, marker: str, frame: str) -> None:
    """Without a host of its own a link is never tracked; `[name]` alone counts as no host."""
    expected = "no-host" if marker[0] == "[" and marker[1].isalpha() else "placeholder"
    value = frame.format(marker)
    assert get_outcome(scanner, value) == expected
    assert get_outcome(scanner, value, ReferenceSwitches(track_placeholders=True)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://x.example/<%id%>", "malformed"),
        ("https://x.example/&#1;x/[id]", "malformed"),
        ("%caf%e9", "not-http"),
        ("%cafe%x", "placeholder"),
        ("https://%c3%a4.example/", "tracked"),
        ("http://[fe80::1]/", "tracked"),
        ("https://a-b-c.example/", "tracked"),
        ("https://x.example/{{ x }}" + "a" * 8000, "placeholder"),
        ("https://x.example##id##", "placeholder"),
        ("https://x.example/?a&#58;:id::", "tracked"),
        ("https://x.example/?a=&#58;:id::", "placeholder"),
    ],
)
def test_the_order_of_rows_around_a_marker(scanner: Scanner, value: str, expected: str) -> None:
    """A marker behind the host comes after `malformed` and before `too-long-destination`."""
    assert get_outcome(scanner, value) == expected


def test_a_tracked_marker_comes_with_a_warning() -> None:
    """Each form of marker behind the host is named in a tracked link's warning, and nothing else is."""
    switches = Switches(track_placeholders=True)
    html = "".join(f'<a href="https://x.example/?id={marker}">' for marker in WHOLE_VALUE_MARKERS)
    assert all("marker" in (link.warning or "") for link in linkweir.scan(html, switches=switches))
    plain = "".join(f'<a href="https://x.example{rest}">' for rest in NON_MARKERS)
    assert [link.warning for link in linkweir.scan(plain, switches=switches)] == [None] * len(NON_MARKERS)


@pytest.mark.external
@pytest.mark.parametrize("name", ["placeholders.html", "bad-addresses.html"])
def test_the_outcome_that_each_text_names(shared_folder: Path, name: str) -> None:
    """Every link of these documents is judged as its own text says."""
    for finding in linkweir.check((shared_folder / "cases" / name).read_bytes()):
        link, (expected, _, remark) = finding.link, finding.link.text.partition(", ")
        assert link.outcome is Outcome(expected), link
        assert (link.warning is not None) == (remark == "with a warning"), link
        assert finding.looks_trackable or remark != "looks trackable", link
