"""Tests of linkweir.settings."""

from pathlib import Path

import pytest

from linkweir.errors import SettingsError
from linkweir.nats_servers import parse_nats_servers
from linkweir.settings import Settings, from_environment


def test_nothing_configured_is_enough() -> None:
    """Without any variable the service listens on loopback and its links live under /c/ of that address."""
    settings = from_environment({"PATH": "/bin"})
    assert settings.base_url == "http://127.0.0.1:8025/c/"
    assert settings.click_path == "/c/"
    assert settings.sqlite_path == Path("linkweir-data/linkweir.db")


def test_every_kind_of_setting_is_read() -> None:
    """Paths, numbers, switches, lists and networks arrive as what they are."""
    settings = from_environment(
        {
            "LINKWEIR_DATA": "/srv/x",
            "LINKWEIR_PORT": "9000",
            "LINKWEIR_OUTLOOK": "yes",
            "LINKWEIR_OPT_OUT": "vendors, data-x",
            "LINKWEIR_SKIP": "one-time /reset/",
            "LINKWEIR_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "LINKWEIR_CLICK_WAIT": "0.5",
            "LINKWEIR_MMDB": "/srv/city.mmdb",
            "LINKWEIR_NETWORKS": "/srv/networks.toml",
        }
    )
    assert settings.data == Path("/srv/x")
    assert settings.outlook
    assert settings.opt_out == ("vendors", "data-x")
    assert settings.skip == ("one-time", "/reset/")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert settings.click_wait == 0.5
    assert (settings.mmdb, settings.networks) == (Path("/srv/city.mmdb"), Path("/srv/networks.toml"))
    assert settings.base_url == "http://127.0.0.1:9000/c/"


@pytest.mark.parametrize("name", ["LINKWEIR_DATTA", "LINKWEIR_", "LINKWEIR_data", "LINKWEIR_DATABASE"])
def test_unknown_names_are_errors(name: str) -> None:
    """A misspelt setting is refused by name, and so is the name of something that is no setting."""
    with pytest.raises(SettingsError, match=name):
        from_environment({name: "x"})


@pytest.mark.parametrize(
    ("name", "near"),
    [("LINKWEIR_BASEURL", "LINKWEIR_BASE_URL"), ("LINKWEIR_Data", "LINKWEIR_DATA"), ("LINKWEIR_X", "")],
)
def test_an_unknown_name_is_answered_by_the_near_one(name: str, near: str) -> None:
    """The error names the setting that was probably meant, and none if none is like it."""
    with pytest.raises(SettingsError) as raised:
        from_environment({name: "secret"})
    hint = f"; did you mean {near}?" if near else ""
    assert str(raised.value) == f"{name}: there is no such setting{hint}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LINKWEIR_PORT", "http"),
        ("LINKWEIR_PORT", "70000"),
        ("LINKWEIR_LINK_STYLE", "tiny"),
        ("LINKWEIR_OUTLOOK", "maybe"),
        ("LINKWEIR_TRUSTED_PROXIES", "everyone"),
        ("LINKWEIR_BASE_URL", "t.example.com"),
        ("LINKWEIR_BASE_URL", "https://t.example.com/?x"),
        ("LINKWEIR_BASE_URL", "https://t.example.com:99999/c/"),
        ("LINKWEIR_BASE_URL", "https://[::1/c/"),
        ("LINKWEIR_CLICK_WAIT", "0"),
        ("LINKWEIR_CLICK_WAIT", "nan"),
        ("LINKWEIR_THREADS", "0"),
        ("LINKWEIR_API_KEY", "short"),
        ("LINKWEIR_CLICK_TRANSPORT", "postgres"),
        ("LINKWEIR_CLICK_TRANSPORT", "jetstream"),
        ("LINKWEIR_NATS_URL", "nats://n1"),
        ("LINKWEIR_NATS_STREAM", "clicks.of.mine"),
        ("LINKWEIR_NATS_REPLICAS", "0"),
        ("LINKWEIR_NATS_REPLICAS", "7"),
        ("LINKWEIR_NATS_MONITORING", "10.0.0.1:8222"),
        ("LINKWEIR_NATS_MONITORING", "http://10.0.0.1:8222/varz"),
    ],
)
def test_bad_values_name_the_variable(name: str, value: str) -> None:
    """A value that cannot be used is refused and the variable named."""
    with pytest.raises(SettingsError, match=name):
        from_environment({name: value})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("HEED_OBJECTIONS", "maybe", "'maybe' cannot be used; it must be true or false"),
        ("LINK_STYLE", "tiny", "'tiny' cannot be used; it must be sealed or short"),
        ("LOG_LEVEL", "loud", "'loud' cannot be used; it must be debug, info, warning or error"),
        ("PORT", "http", "'http' cannot be used; it must be a whole number"),
        ("CLICK_WAIT", "soon", "'soon' cannot be used; it must be a number"),
        (
            "TRUSTED_PROXIES",
            "all",
            "'all' cannot be used; it must be networks separated by commas, such as 10.0.0.0/8, ::1",
        ),
    ],
)
def test_bad_values_name_what_is_allowed(name: str, value: str, wanted: str) -> None:
    """The error ends with what would be right."""
    with pytest.raises(SettingsError) as caught:
        from_environment({f"LINKWEIR_{name}": value})
    assert str(caught.value) == f"LINKWEIR_{name}: {wanted}"


def test_secrets_are_hidden() -> None:
    """The API key of the settings is in no repr and in no error."""
    secret = "s3cret" * 8
    assert secret not in repr(Settings(api_key=secret))
    with pytest.raises(SettingsError) as caught:
        from_environment({"LINKWEIR_API_KEY": "s3cret"})
    assert "s3cret" not in str(caught.value)


def make_jetstream(servers: str) -> Settings:
    """The settings of a service whose clicks go through these servers."""
    database = "postgresql://linkweir@db.example/linkweir"
    return Settings(database=database, click_transport="jetstream", nats_url=servers)


def test_nats_servers_are_read_with_one_login() -> None:
    """Several servers with the user and the password of any of them, as a URL quotes them; a token has no password."""
    servers = parse_nats_servers("nats://a:p%40ss@n1:4111, nats://n2,nats://[::1]:4333/")
    assert servers.urls == ("nats://n1:4111", "nats://n2:4222", "nats://[::1]:4333")
    assert (servers.user, servers.password, servers.token) == ("a", "p@ss", None)
    assert parse_nats_servers("tls://abc@n1").token == "abc"  # noqa: S105


@pytest.mark.parametrize(
    "servers",
    ["http://a:s3cret@n1", "nats://a:s3cret@n1/x", "nats://a:s3cret@n1:x", "nats://a:s3cret@n1,tls://n2",
     "nats://a:s3cret@n1,nats://b:s3cret@n2", "nats://a:s3cret@"],
)  # fmt: skip
def test_nats_servers_that_cannot_be_used_are_refused_without_their_password(servers: str) -> None:
    """Another scheme, a path, a bad port, no host, two schemes or two logins."""
    with pytest.raises(SettingsError, match="LINKWEIR_NATS_URL") as caught:
        make_jetstream(servers)
    assert "s3cret" not in str(caught.value)


def test_a_password_of_nats_servers_is_in_no_repr() -> None:
    """Neither of the settings nor of what is made of them."""
    settings = make_jetstream("nats://a:s3cret@n1")
    assert "s3cret" not in repr(settings) + repr(parse_nats_servers(settings.nats_url))


def test_the_command_line_wins() -> None:
    """What was said on the command line wins over the environment; what was not said does not."""
    settings = from_environment({"LINKWEIR_PORT": "1", "LINKWEIR_HOST": "::1"}, port=2, host=None)
    assert (settings.host, settings.port) == ("::1", 2)
    assert settings.base_url == "http://[::1]:2/c/"


@pytest.mark.parametrize(
    ("base_url", "click_path", "path"),
    [
        ("https://t.example.com", "", "/"),
        ("https://t.example.com/", "", "/"),
        ("https://example.com/go/", "", "/go/"),
        ("https://example.com/mail/c/", "/c", "/c/"),
    ],
)
def test_the_click_path_follows_the_base_url(base_url: str, click_path: str, path: str) -> None:
    """Links are answered under the path of the base URL, unless a proxy or a mount changes paths on the way."""
    assert Settings(base_url=base_url, click_path=click_path).click_path == path


def test_paths_as_text_and_numbers_as_numbers() -> None:
    """A path may be given as text; what is no path, or no number, is refused with its name."""
    assert Settings(data="x", spool="y").sqlite_path == Path("x/linkweir.db")  # type: ignore[arg-type]
    for wrong in ({"data": 3}, {"data": None}, {"threads": "8"}, {"port": "80"}, {"click_wait": None}):
        with pytest.raises(SettingsError, match=f"LINKWEIR_{next(iter(wrong)).upper()}: .* is not a"):
            Settings(**wrong)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"LINKWEIR_CLICK_DURABLE": "cluster"},
            "needs a LINKWEIR_CLICK_TRANSPORT that brings clicks to other machines",
        ),
        (
            {"LINKWEIR_CLICK_DURABLE": "world"},
            "LINKWEIR_CLICK_DURABLE: 'world' cannot be used; it must be node or clus",
        ),
    ],
)
def test_clicks_that_stay_here_cannot_be_durable_elsewhere(values: dict[str, str], expected: str) -> None:
    """With the journal of this machine alone nothing could be waited for; and there are two such values."""
    with pytest.raises(SettingsError, match=expected):
        from_environment(values)
