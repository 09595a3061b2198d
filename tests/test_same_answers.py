"""A service says the same whichever database it is on: pages, answers and files."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from linkweir.clock import HOUR_US, now
from linkweir.database_transfer import make_transfer
from linkweir.demo import sample_traffic
from linkweir.settings import Settings
from linkweir.stats.click_statistics import GROUP_BY_NAMES
from tests.dashboard.browser_client import DashboardClient, add_user
from tests.dashboard.test_browser import PAGES
from tests.postgresql_server import require_postgresql
from tests.web.running_service import RunningService

TAG = "sample-spring-sale"
MONTHS_AGO, LATER = ((datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT00:00:00Z") for days in (-100, 2))
SETTINGS: dict[str, Any] = {
    "roles": ("api", "dashboard"),  # nothing changes meanwhile
    "rate_limit": 1e6,
    "rate_burst": 10**6,
    "statistics_rate": 1e6,
    "statistics_burst": 10**6,
}
API_PATHS = (
    *(f"statistics/clicks?group_by={name}" for name in (*GROUP_BY_NAMES, "attribute:plan")),
    *(f"statistics/clicks?group_by={name}&tag={TAG}&limit=3" for name in ("destination", "link", "country")),
    "statistics/campaigns",
    f"statistics/variants?tag={TAG}",
    f"statistics/clickers?tag={TAG}&limit=20",
    f"statistics/clickers?tag={TAG}&position=1",
    f"statistics/transactional/deliverability?group_by=day&from_time={MONTHS_AGO}&to_time={LATER}",
    *(f"messages?limit=20{more}" for more in ("", "&subject=SPRING", "&recipient=Ada@example.com", f"&tags={TAG}")),
    "messages?limit=20&status=clicked",
    *(f"clicks/export?format={name}" for name in ("csv", "ndjson")),
    "domains",
    "webhooks",
    "corrections",
)
OF_A_VISIT = ("/send", "/people", "/webhooks/new")  # they show keys, times and ids that the visit makes
MORE_PAGES = {
    "campaigns by rate": "/campaigns?sort=-rate&period=90",
    "campaigns by name": "/campaigns?sort=tag&period=90",
    "events of machines": f"/events?tag={TAG}&verdict=machines&period=90",
    "clicks as CSV": f"/export/clicks?tag={TAG}&period=90",
    "clickers as CSV": f"/export/clickers?tag={TAG}",
}


def ask(service: RunningService, key: str) -> dict[str, str]:
    """What every page and every answer says, without the port and what is made for each visit."""
    said: dict[str, str] = {}
    service.client.headers["Authorization"] = f"Bearer {key}"
    for path in API_PATHS:
        answer = service.client.get(f"{service.account_path}/{path}")
        said[path] = f"{answer.status_code} {answer.text}"
    with DashboardClient(service) as dashboard_client:
        dashboard_client.signed_in_client()
        for path in (*(path for path in PAGES.values() if path not in OF_A_VISIT), *MORE_PAGES.values()):
            answer = dashboard_client.http.get(path)
            said[path] = f"{answer.status_code} {answer.text}"
    of_a_visit = re.compile(r'name="token" value="[^"]*"|"last_used_at":"[^"]*"')
    return {path: of_a_visit.sub("", text.replace(service.url, "")) for path, text in said.items()}


def test_every_page_and_answer_is_the_same(tmp_path: Path) -> None:
    """After the sample traffic has moved from SQLite to PostgreSQL, each page, each list, each file and each statistic
    is what it was, in the same order, although the server sorts words as people do.
    """
    server, data = require_postgresql(), tmp_path / "data"
    server.execute("CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
    url = server.url("sorted")
    hour, before, after = -1, dict[str, str](), dict[str, str]()
    with RunningService(data, **SETTINGS, database="") as service:
        add_user(service)
        assert sample_traffic.generate(service.components)
        key = service.key
    make_transfer(replace(Settings(data=data), database=url), "postgresql").run(lambda _table, _rows: None)
    while hour != now() // HOUR_US:  # what is said of the last days changes with each hour
        hour = now() // HOUR_US
        with RunningService(data, **SETTINGS, database="") as service:
            before = ask(service, key)
        with RunningService(data, **SETTINGS, database=url) as service:
            after = ask(service, key)
    server.drop(url)
    assert [path for path, text in before.items() if text.startswith("2")] == list(before)
    assert [path for path in before if after[path] != before[path]] == []
