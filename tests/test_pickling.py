"""What is public travels: it pickles and copies, under three picklers, to processes that were started in two ways."""

import concurrent.futures
import copy
import multiprocessing
import pickle
import re
import uuid
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

import linkweir
from linkweir import KeyFile, KeyVariable, Tracker
from linkweir.errors import LinkweirError
from linkweir.tokens.keyring import KeyRing
from tests.tokens.keyring_factory import BASE_URL, RING

PAGE = '<a href="https://example.com/">x</a><a href="mailto:x">'
MAIL = b"Content-Type: text/html\n\n" + PAGE.encode()
TRACKER = Tracker(RING, BASE_URL, message=1)
# One of each class of linkweir.__all__; functions and REASONS travel as they are.
EXAMPLES: dict[str, Callable[[], Any]] = {
    "BadSwitch": lambda: linkweir.BadSwitch("opt_out: x"),
    "BadToken": lambda: linkweir.BadToken("forged", "not made here"),
    "Finding": lambda: linkweir.check(PAGE)[0],
    "KeyFile": lambda: KeyFile("keys.json"),
    "KeyRing": lambda: RING,
    "KeyRingError": lambda: linkweir.KeyRingError("no key"),
    "KeyVariable": lambda: KeyVariable("KEYS"),
    "Link": lambda: next(linkweir.scan(PAGE)),
    "LinkweirError": lambda: LinkweirError("x", 1),
    "Note": lambda: linkweir.Note("code", "text", "1"),
    "Opened": lambda: linkweir.open_link(RING, TRACKER.mint("https://example.com/", 0)),
    "Outcome": lambda: linkweir.Outcome.TRACKED,
    "PartLink": lambda: linkweir.rewrite_message(MAIL, TRACKER, report=True).links[0],
    "Plan": lambda: linkweir.Plan(PAGE),
    "Privacy": lambda: linkweir.Privacy.ANONYMOUS,
    "RefusedValue": lambda: linkweir.RefusedValue("no", destination="d", index=3, value=b"v"),
    "Rewriter": lambda: linkweir.Rewriter(TRACKER, charset="iso-8859-1"),
    "Rewritten": lambda: linkweir.rewrite_message(MAIL, TRACKER, report=True),
    "RewrittenMessage": lambda: linkweir.rewrite_message(message_from_bytes(MAIL, _class=EmailMessage), TRACKER),
    "Switches": lambda: linkweir.Switches(opt_out=("vendors",), skip=("one-time", re.compile("x"))),
    "Tracker": lambda: Tracker(RING, BASE_URL, message=uuid.UUID(int=5), style="short"),
}
PICKLERS = (pickle, pytest.importorskip("cloudpickle"), pytest.importorskip("dill"))


def describe(thing: Any) -> object:
    """What two have to agree in to be the same."""
    if isinstance(thing, Exception):
        return type(thing), str(thing), thing.args, vars(thing)
    if isinstance(thing, Tracker):
        return repr(thing), thing.ring, thing.mint("https://example.com/", 5)
    if isinstance(thing, linkweir.Plan):
        return thing.links, thing.render(TRACKER)
    if isinstance(thing, linkweir.Rewriter):
        return thing.feed(PAGE.encode()) + thing.close(), thing.counts
    return thing


@pytest.mark.parametrize("name", linkweir.__all__)
def test_what_is_public_travels(name: str) -> None:
    """Pickled by pickle, cloudpickle and dill, copied and copied deeply, it is the same."""
    make = EXAMPLES.get(name, lambda: getattr(linkweir, name))
    assert name in EXAMPLES or not isinstance(make(), type)
    for pickler in PICKLERS:
        assert describe(pickler.loads(pickler.dumps(make()))) == describe(make())
    assert describe(copy.copy(make())) == describe(make())
    assert describe(copy.deepcopy(make())) == describe(make())


def test_every_error_travels() -> None:
    """Also errors whose constructors take other arguments than their text, and those that a caller annotates."""
    for kind in all_subclasses(LinkweirError):
        error: Any = kind.__new__(kind, "text")
        error.args, error.note = ("text", 2), "own"
        error.add_note("more")
        assert describe(pickle.loads(pickle.dumps(error))) == describe(error)  # noqa: S301 - our own


def all_subclasses(kind: type[Any]) -> set[type[Any]]:
    """A class and all that derive from it."""
    return {kind, *(found for child in kind.__subclasses__() for found in all_subclasses(child))}


def test_a_document_under_way_does_not_travel() -> None:
    """A Rewriter in the middle of a document says so, instead of losing its state."""
    rewriter = linkweir.Rewriter(TRACKER)
    rewriter.feed(b"<a href=")
    with pytest.raises(TypeError, match="begun its document"):
        pickle.dumps(rewriter)


def rewrite_there(tracker: Tracker) -> str:
    """Run in a worker."""
    return linkweir.rewrite(PAGE, tracker)


def fail_there(tracker: Tracker) -> None:
    """Likewise: an error comes back with its attributes."""
    linkweir.open_token(tracker.ring, "x")


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_workers_get_trackers_and_give_errors_back(method: str) -> None:
    """Work and errors pass through a process pool, which goes on working afterwards."""
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        with pytest.raises(linkweir.BadToken) as caught:
            pool.submit(fail_there, TRACKER).result(60)
        assert caught.value.code == "malformed"
        assert pool.submit(rewrite_there, TRACKER).result(60) == linkweir.rewrite(PAGE, TRACKER)


def test_a_tracker_can_carry_a_name_instead_of_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pickle has no secret in it, and the unpickled one loads the ring by the name."""
    file, variable = KeyFile(tmp_path / "keys.json"), KeyVariable("TEST_KEYS")
    ring = file.load_or_create([BASE_URL])
    monkeypatch.setenv("TEST_KEYS", ring.to_json().decode())
    for source in (file, variable):
        tracker = Tracker(source, BASE_URL, message=1).for_message(2)
        for pickler in PICKLERS:
            data = pickler.dumps(tracker)
            assert ring.current.secret not in data
            assert describe(pickler.loads(data)) == describe(Tracker(ring, BASE_URL, message=2))
    assert ring.current.secret in pickle.dumps(Tracker(ring, BASE_URL))
    rotated = file.update(KeyRing.rotate)
    assert file.load() == rotated
    monkeypatch.delenv("TEST_KEYS")
    with pytest.raises(linkweir.KeyRingError, match="TEST_KEYS is not set"):
        pickle.loads(pickle.dumps(Tracker(file, BASE_URL))) and variable.load()  # noqa: S301 - our own
    monkeypatch.setenv("TEST_KEYS", "secret text")
    with pytest.raises(linkweir.KeyRingError, match="variable TEST_KEYS: this is not a key ring: not JSON"):
        variable.load()
    with pytest.raises(FileExistsError):
        file.create(ring)
    with pytest.raises(linkweir.KeyRingError, match="gone"):
        KeyFile(tmp_path / "gone").load()
