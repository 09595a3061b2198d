"""A mail server at the other end, which closes what it opened before it says that it has stopped."""

import asyncio

from aiosmtpd.controller import Controller


class ReceivingServer(Controller):
    """The library's server in a thread; the library itself closes its loop over connections that are still open."""

    def stop(self, no_assert: bool = False) -> None:
        """Take no more connections, end those that are open, then stop."""
        asyncio.run_coroutine_threadsafe(self._end_connections(), self.loop).result()
        super().stop(no_assert)

    async def _end_connections(self) -> None:
        assert self.server is not None
        self.server.close()
        while sessions := asyncio.all_tasks() - {asyncio.current_task()}:  # one may begin while others end
            for session in sessions:
                session.cancel()
            await asyncio.gather(*sessions, return_exceptions=True)
            await asyncio.sleep(0)  # one turn, in which the loop tells the transports that they are closed
