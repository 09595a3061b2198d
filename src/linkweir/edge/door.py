"""How every request of API v2 comes in: who asks, may they, how often, what do they send, and is it the first time."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import auth, body, idempotency
from linkweir.edge.auth import SignedIn
from linkweir.edge.idempotency import Once
from linkweir.edge.parts import Parts, parts_of


@dataclass(frozen=True, slots=True)
class Call:
    """One request that has come in: `data` is its body, `once` remembers its answer where that is asked for."""

    request: Request
    parts: Parts
    who: SignedIn
    data: bytes
    once: Once

    @property
    def account(self) -> object:
        """The id of the account that asks."""
        return self.who.account["id"]


Work = Callable[[Call], Response]


async def enter(request: Request, scope: str, work: Work, *, statistics: bool = False) -> Response:
    """Carry `work` out in a thread for somebody whose key has the scope; `…:any` is left to `work` to look at closer.

    Raises AccessDenied, NotAllowed, TooMany, and what `work` raises.
    """
    parts = parts_of(request)
    who = await auth.signed_in(request, parts)
    (parts.statistics_limits if statistics else parts.limits).take(who.account["id"])
    who.require(scope)
    if request.method not in ("POST", "PUT", "PATCH"):
        return await parts.in_thread(lambda: work(Call(request, parts, who, b"", Once(parts, who, None))))
    with parts.incoming.hold() as held:
        data = await body.read(request, parts.settings.max_body, held)
        if request.method != "POST":
            return await parts.in_thread(lambda: work(Call(request, parts, who, data, Once(parts, who, None))))

        def first_time(once: Once) -> Response:
            return work(Call(request, parts, who, data, once))

        return await parts.in_thread(lambda: idempotency.carry_out(parts, who, request, data, first_time))
