"""The sample campaigns: contents, recipients, age, and the share of people who click each link.

All names end in .sample or .example, which do not exist; all tags begin with `sample-`.
"""

from dataclasses import dataclass

from linkweir.db.sample_data import SAMPLE_DOMAIN

SENDER = f"hello@{SAMPLE_DOMAIN}"
HOUR_SECONDS = 3600.0  # seconds


@dataclass(frozen=True, slots=True)
class Article:
    """One article with a link; `click_weight`: its relative share of the clicks."""

    title: str
    text: str
    url: str
    click_weight: int


@dataclass(frozen=True, slots=True)
class SampleCampaign:
    """`age`: seconds since it was sent; `interest`: share of people who click, by A/B variant; `content_days`:
    retention of its mails in days.
    """

    tag: str
    subject: str
    heading: str
    button: str
    age_seconds: float
    recipients: int
    click_rate_by_variant: dict[str, float]
    articles: tuple[Article, ...]
    content_days: int = 30
    mixes_privacy: bool = False


NEWSLETTER_CAMPAIGN = (
    Article(
        "Why links break", "And what a redirect owes to its reader.", "https://example.com/articles/why-links-break", 5
    ),
    Article(
        "A bridge in Königsberg", "Seven bridges, one walk.", "https://example.org/h%C3%B6here/Mathematik#Brücke", 3
    ),
    Article(
        "Quiet numbers", "How we tell people from scanners.", "https://example.com/articles/quiet-numbers?ref=weir", 4
    ),
    Article("One thing to buy", "A notebook that lies flat.", "https://example.net/shop/item.php?id=7&copy=2", 2),
)
SALE_CAMPAIGN = (
    Article("Rain jackets", "Light, and packed in a pocket.", "https://shop.example/jackets?sale=spring", 6),
    Article("Walking boots", "Tested in the Fens.", "https://shop.example/boots?sale=spring", 4),
    Article("Thermos", "Hot for twelve hours.", "https://shop.example/thermos?sale=spring", 2),
    Article("Maps", "Every weir on the river.", "https://shop.example/maps?sale=spring&page=1", 1),
)
EVENT_CAMPAIGN = (
    Article("The programme", "Four talks, one afternoon.", "https://events.example/weir-day/programme", 4),
    Article("The speakers", "Engineers, a lawyer, a poet.", "https://events.example/weir-day/speakers", 2),
    Article("How to get there", "By train, by boat, by video.", "https://events.example/weir-day/travel", 2),
)
CAMPAIGNS = (
    SampleCampaign("sample-winter-catalogue", "The winter catalogue is here", "Winter, by the river", "Leaf through it",
             24 * 24 * HOUR_SECONDS, 90, {"": 0.22}, SALE_CAMPAIGN, content_days=1),
    SampleCampaign("sample-letter-7", "The Weir, issue 7", "The Weir, issue 7", "Read it online",
             16 * 24 * HOUR_SECONDS + 2 * HOUR_SECONDS, 120, {"": 0.31}, NEWSLETTER_CAMPAIGN),
    SampleCampaign("sample-spring-sale", "Spring sale: a third off, until Sunday", "A third off", "To the sale",
             9 * 24 * HOUR_SECONDS - 3 * HOUR_SECONDS, 160, {"A": 0.18, "B": 0.46}, SALE_CAMPAIGN),
    SampleCampaign("sample-weir-day", "You are invited: Weir Day", "Weir Day", "Save a seat",
             36 * HOUR_SECONDS, 110, {"": 0.35}, EVENT_CAMPAIGN, mixes_privacy=True),  # clicks yesterday, at any hour
    SampleCampaign("sample-letter-8", "The Weir, issue 8", "The Weir, issue 8", "Read it online",
             7 * HOUR_SECONDS, 130, {"": 0.36}, NEWSLETTER_CAMPAIGN),
)  # fmt: skip


def render_html(campaign: SampleCampaign) -> str:
    """Render a campaign as typical newsletter HTML: tables, inline styles, a button, an opt-out link."""
    article_rows = "".join(
        f'<tr><td style="padding:14px 28px;border-top:1px solid #e3e9ee"><a href="{article.url.replace("&", "&amp;")}" '
        f'style="color:#0f766e;font-size:18px;font-weight:bold;text-decoration:none">{article.title}</a>'
        f'<div style="color:#51606e">{article.text}</div></td></tr>\n'
        for article in campaign.articles
    )
    home = f"https://{SAMPLE_DOMAIN}/"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{campaign.subject}</title></head>
<body style="margin:0;background:#eef2f5">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table role="presentation" width="560" cellpadding="0" cellspacing="0"
 style="max-width:100%;margin:24px 0;background:#ffffff;border-radius:10px;font-family:Georgia,serif;line-height:1.5">
<tr><td style="padding:20px 28px;background:#134e4a;border-radius:10px 10px 0 0">
<a href="{home}" style="color:#ccfbf1;font-weight:bold;text-decoration:none;letter-spacing:.06em">THE WEIR</a></td></tr>
<tr><td style="padding:26px 28px 10px"><h1 style="margin:0 0 8px;font-size:28px;color:#14202b">{campaign.heading}</h1>
<p style="margin:0;color:#37454f">Good morning, {{{{ first_name }}}}. This is what we picked for you.</p></td></tr>
{article_rows}<tr><td style="padding:22px 28px" align="center"><a href="{home}online/{campaign.tag}"
 style="display:inline-block;padding:12px 26px;background:#0f766e;color:#ffffff;border-radius:8px;
 text-decoration:none;font-weight:bold">{campaign.button}</a></td></tr>
<tr><td style="padding:16px 28px;color:#51606e;font-size:13px;border-top:1px solid #e3e9ee">
Sample data of Linkweir: this mail was sent to nobody.
<a href="{home}unsubscribe" data-as-no-track style="color:#51606e">Unsubscribe</a></td></tr>
</table></td></tr></table></body></html>
"""
