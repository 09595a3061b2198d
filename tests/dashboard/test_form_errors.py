"""What forms say of a mistake: in words for people, in their language, with the name that the form gives its field."""

import msgspec
import pytest

from linkweir.accounts.resource_changes import AccountUpdate, ApiKeyCreate, DomainUpdate, WebhookCreate
from linkweir.accounts.skip_patterns import to_link_options
from linkweir.dashboard.form_errors import explain_error, to_sentence
from linkweir.errors import Conflict, LinkweirError, ValidationError
from linkweir.translation import use_language
from linkweir.web.request_body import to_validation_error

WEBHOOK = {"name": "crm", "url": "https://crm.example/", "scope": "global"}


def find_type_error(values: dict[str, object], shape: type[msgspec.Struct]) -> msgspec.ValidationError:
    """What msgspec says of a request that it refuses."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(values, shape)
    return raised.value


@pytest.mark.parametrize(
    ("values", "shape", "english", "german"),
    [
        ({"message_metadata_retention": "x"}, AccountUpdate, "Must be a whole number.", "Muss eine ganze Zahl sein."),
        ({"message_metadata_retention": 0}, AccountUpdate, "Must be at least 1.", "Muss mindestens 1 sein."),
        ({"message_metadata_retention": 99}, AccountUpdate, "Must be at most 30.", "Darf höchstens 30 sein."),
        ({"privacy": "secret"}, AccountUpdate, "Is none of the choices.", "Ist keine der Möglichkeiten."),
        ({"track_clicks": "maybe"}, DomainUpdate, "Is none of the choices.", "Ist keine der Möglichkeiten."),
        (
            {"skip": ["a"] * 51},
            AccountUpdate,
            "Must have at most 50 entries.",
            "Darf höchstens 50 Einträge haben.",
        ),
        (
            {"skip": ["a", "b" * 201]},
            AccountUpdate,
            "Line 2: Must have at most 200 characters.",
            "Zeile 2: Darf höchstens 200 Zeichen haben.",
        ),
        (
            {"website": "a\0b"},
            AccountUpdate,
            "Must not hold U+0000.",
            "Darf U+0000 nicht enthalten.",
        ),
        (
            {"tracking_subdomain": "a b"},
            DomainUpdate,
            "Has characters that are not allowed here.",
            "Enthält Zeichen, die hier nicht erlaubt sind.",
        ),
    ],
)
def test_errors_of_types_are_told_in_words(
    values: dict[str, object], shape: type[msgspec.Struct], english: str, german: str
) -> None:
    """A field's sentence says what to type, not which type of Python was expected."""
    error = to_validation_error(str(find_type_error(values, shape)))
    assert to_sentence(error) == english
    with use_language("de"):
        assert to_sentence(error) == german


@pytest.mark.parametrize(
    ("error", "english", "french"),
    [
        (
            find_type_error({**WEBHOOK, "name": ""}, WebhookCreate),
            "Name: must not be empty",
            "Nom\N{NO-BREAK SPACE}: ne doit pas être vide",
        ),
        (
            find_type_error({**WEBHOOK, "verdict_wait_seconds": "soon"}, WebhookCreate),
            "Wait for the verdict, at most (seconds): must be a whole number",
            "Attendre le verdict, au plus (secondes)\N{NO-BREAK SPACE}: doit être un nombre entier",
        ),
        (
            find_type_error({"label": "x"}, ApiKeyCreate),
            "Scopes: is required",
            "Droits d\N{RIGHT SINGLE QUOTATION MARK}accès\N{NO-BREAK SPACE}: est requis",
        ),
        (
            ValidationError("domains[1]", "must not be empty"),
            "Domains: Line 2: must not be empty",
            "Domaines\N{NO-BREAK SPACE}: Ligne 2\N{NO-BREAK SPACE}: ne doit pas être vide",
        ),
        (ValidationError("", "something else"), "Something else", "Something else"),
        (Conflict("the webhook exists already"), "the webhook exists already", "the webhook exists already"),
    ],
)
def test_a_form_names_the_field_as_its_label_does(
    error: LinkweirError | msgspec.ValidationError, english: str, french: str
) -> None:
    """Above a form stands which field is wrong, and why."""
    assert explain_error(error) == english
    with use_language("fr"):
        assert explain_error(error) == french


@pytest.mark.parametrize(
    ("opt_out", "skip", "german"),
    [
        (["a b"], None, "'a b' ist weder ein Attributname noch Name=Wert noch eine Voreinstellung."),
        (None, ["("], "'(' ist kein verwendbarer regulärer Ausdruck: missing ): (."),
        (["a"] * 51, None, "Hat mehr als 50 Einträge."),
    ],
)
def test_mistakes_in_patterns_are_told_in_the_language(
    opt_out: list[str] | None, skip: list[str] | None, german: str
) -> None:
    """What the link rules and the expressions' library refuse is told in the reader's language."""
    with use_language("de"):
        with pytest.raises(ValidationError) as raised:
            to_link_options(opt_out, skip, None)
        assert to_sentence(raised.value) == german
