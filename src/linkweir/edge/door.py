"""How every request of API v2 comes in: who asks, may they, how often, what do they send, and is it the first time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from linkweir.edge import auth, body, idempotency
from linkweir.edge.auth import SignedIn
from linkweir.edge.idempotency import Once
from linkweir.edge.parts import Parts, parts_of

S = TypeVar("S", bound=Struct)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that has come in: `data` is its body, `once` remembers its answer where that is asked for."""

    request: Request
    parts: Parts
    who: SignedIn
    data: bytes
    once: Once
    _shapes: dict[type[Struct], Any] = field(default_factory=dict)

    @property
    def account(self) -> object:
        """The id of the account that asks."""
        return self.who.account["id"]

    def shaped(self, shape: type[S]) -> S:
        """The body as `shape`, read once. Raises BadInput."""
        if shape not in self._shapes:
            self._shapes[shape] = body.shaped(self.data, shape)
        found: S = self._shapes[shape]
        return found


Work = Callable[[Call], Response]
Check = Callable[[Call], None]


async def enter(
    request: Request, scope: str, work: Work, *, permit: Check | None = None, statistics: bool = False
) -> Response:
    """Carry `work` out in a thread for somebody whose key has the scope; `…:any` is left to `permit` (which a POST goes
    through before it is carried out, and before an earlier answer is given again) or to `work` to look at closer.

    Raises AccessDenied, NotAllowed, TooMany, and what `work` raises.
    """
    parts = parts_of(request)
    who = await auth.signed_in(request, parts)
    (parts.statistics_limits if statistics else parts.limits).take(who.account["id"])
    who.require(scope)
    call = Call(request, parts, who, b"", Once(parts, who, None))
    if request.method not in ("POST", "PUT", "PATCH"):
        return await parts.in_thread(lambda: work(call))
    with parts.incoming.hold() as held:
        call = replace(call, data=await body.read(request, parts.settings.max_body, held))
        if request.method != "POST":
            return await parts.in_thread(lambda: work(call))

        def allowed() -> None:
            if permit is not None:
                permit(call)

        def first_time(once: Once) -> Response:
            allowed()
            return work(replace(call, once=once))

        return await parts.in_thread(
            lambda: idempotency.carry_out(parts, who, request, call.data, allowed=allowed, work=first_time)
        )
