"""That the time an answer takes says nothing of a secret. Work is counted and code is read; no clock is asked."""

import ast
import hashlib
import hmac
import re
import smtplib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from argon2 import PasswordHasher

import linkweir
from linkweir.errors import BadToken
from linkweir.tokens import Tracker, open_token
from tests.dashboard.browser_client import EMAIL, PASSWORD, DashboardClient, add_user
from tests.smtp.submission_service import SubmissionService
from tests.tokens.keyring_factory import RING
from tests.web.running_service import RunningService

SECRET_NAME_PATTERN = re.compile(r"(^|_)(mac|digest|secret|signature|password|token)$")
PACKAGES = ("accounts", "api", "dashboard", "smtp", "tokens", "web", "webhooks")
PACKAGE_FOLDER = Path(linkweir.__file__).parent


def names_in_expression(part: ast.expr) -> Iterator[str]:
    """The names in an expression, but for those of which only the length or the presence counts."""
    if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "len":
        return
    if isinstance(part, ast.Name):
        yield part.id
    if isinstance(part, ast.Attribute):
        yield part.attr
    if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant):
        yield str(part.slice.value)
    for child in ast.iter_child_nodes(part):
        if isinstance(child, ast.expr):
            yield from names_in_expression(child)


def find_plain_comparisons(text: str) -> list[str]:
    """Where a secret is compared in a time that tells how far it was right."""
    result = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare) and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops):
            sides = [node.left, *node.comparators]
            if any(SECRET_NAME_PATTERN.search(word) for side in sides for word in names_in_expression(side)):
                result.append(ast.unparse(node))
    return result


def test_secrets_are_compared_in_constant_time() -> None:
    """Nothing that is called a MAC, a digest, a secret, a signature, a password or a token is compared with `==`; each
    of the places that must compare one does it in constant time.
    """
    assert find_plain_comparisons("if row['digest'] == given or len(mac) != 8: pass") == ["row['digest'] == given"]
    texts = {path: path.read_text("utf-8") for room in PACKAGES for path in (PACKAGE_FOLDER / room).rglob("*.py")}
    assert {str(path): result for path, text in texts.items() if (result := find_plain_comparisons(text))} == {}
    constant = {str(path.relative_to(PACKAGE_FOLDER)) for path, text in texts.items() if "hmac.compare_digest(" in text}
    assert constant >= {
        "tokens/opener.py",
        "accounts/api_keys.py",
        "accounts/smtp_credentials.py",
        "dashboard/session_cookies.py",
        "webhooks/signing.py",
    }


def count_executed_lines(work: Callable[[], object]) -> int:
    """How many lines of Python are executed."""
    count = 0

    def trace(_frame: FrameType, event: str, _value: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_a_forged_token_takes_the_same_work_wherever_it_is_wrong(style: Any) -> None:
    """As many steps, whichever character of the MAC is the first wrong one, and then a comparison in constant time."""
    token = Tracker(RING, "https://t.example.com/", message=7, style=style).mint("https://example.com/", 0)
    token = token.rpartition("/")[2]

    def refused(forged: str) -> None:
        with pytest.raises(BadToken):
            open_token(RING, forged)

    def forged(place: int) -> str:
        other = "A" if token[place] != "A" else "B"
        return token[:place] + other + token[place + 1 :]

    refused(forged(len(token) - 3))  # what is made once is made
    counts = {count_executed_lines(partial(refused, forged(place))) for place in range(len(token) - 10, len(token) - 2)}
    assert len(counts) == 1


def test_an_unknown_user_takes_the_same_work_as_a_wrong_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One verification with Argon2, with the same parameters, for a right password, a wrong one and nobody at all."""
    done: list[str] = []
    real = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str | bytes, password: str | bytes) -> Any:
        done.append(str(stored).rpartition("$")[0].rpartition("$")[0])  # algorithm and parameters, without the salt
        return real(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    with RunningService(tmp_path / "data") as served, DashboardClient(served) as visitor:
        add_user(served)
        for email, password, status in (
            (EMAIL, "wrong", 401),
            ("nobody@example.com", "wrong", 401),
            ("nobody@example.com", PASSWORD, 401),
            (EMAIL, PASSWORD, 303),
        ):
            before = len(done)
            assert visitor.sign_in(email, password).status_code == status
            assert len(done) == before + 1, email
    assert len(set(done)) == 1
    assert done[0].startswith("$argon2id$")


def test_an_unknown_smtp_user_takes_the_same_work_as_a_wrong_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One digest of the password is compared with one digest, whether there is such a user or not."""
    done: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def counted(one: Any, other: Any) -> bool:
        done.append((len(one), len(other)))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    with SubmissionService(tmp_path / "data") as served:
        known, _ = served.credentials
        said = []
        for username in (known, "linkweir-nobody"):
            with served.connect(sign_in=False) as client:
                done.clear()
                with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                    client.login(username, "wrong")
                said.append(refused.value.smtp_error)
                assert set(done) == {(32, 32)}
    assert said[0] == said[1]


def test_api_keys_are_selected_by_their_digest(service: RunningService) -> None:
    """The database holds SHA-256 of keys, and looks them up by it: how long that takes says nothing of the key itself,
    and a key that is nearly right is as wrong as any.
    """
    database = service.settings.sqlite_path.read_bytes() + Path(f"{service.settings.sqlite_path}-wal").read_bytes()
    assert hashlib.sha256(service.key.encode()).digest() in database
    assert service.key.encode() not in database
    answers = [
        service.reader.get(service.account_path, headers={"Authorization": f"Bearer {key}"})
        for key in (service.key[:-1] + "!", "x" * len(service.key), "linkweir-sk-")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
