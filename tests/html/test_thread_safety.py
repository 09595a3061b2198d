"""No module state that changes: many threads get the answers that one gets."""

from concurrent.futures import ThreadPoolExecutor

import linkweir
from linkweir.html.plan import Plan
from linkweir.html.rewriter import Rewriter
from linkweir.html.switches import Switches

DOCUMENTS = [
    (f'<p>{"x" * n}<a href="https://x{n}.example/&amp;">y</a><style><a></style>' * (n % 7 + 1)).encode()
    for n in range(40)
]
SWITCHES = [Switches(), Switches(outlook=True, opt_out=("vendors",)), Switches(skip=("x1",), tag_limit=64)]


def make_link(destination: str, index: int) -> str:
    """A new value from both."""
    return f"https://t.example/{index}/{len(destination)}"


def run_all_entry_points(n: int) -> tuple[object, ...]:
    """What the package says about one document, by every way in."""
    document, switches = DOCUMENTS[n % len(DOCUMENTS)], SWITCHES[n % len(SWITCHES)]
    rewriter = Rewriter(make_link, switches=switches)
    streamed = b"".join(rewriter.feed(document[i : i + 11]) for i in range(0, len(document), 11))
    return (
        list(linkweir.scan(document, switches=switches)),
        linkweir.rewrite(document, make_link, switches=switches),
        streamed + rewriter.close(),
        Plan(document, switches=switches).render(make_link),
    )


def test_threads_do_not_disturb_each_other() -> None:
    """Eight threads on different documents and switches get what one thread gets."""
    alone = [run_all_entry_points(n) for n in range(240)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run_all_entry_points, range(240))) == alone


def test_threads_share_a_plan() -> None:
    """One plan renders for many threads at once."""
    plan = Plan(DOCUMENTS[39] * 50)
    expected = plan.render(make_link)
    with ThreadPoolExecutor(8) as pool:
        assert all(out == expected for out in pool.map(lambda _: plan.render(make_link), range(100)))
