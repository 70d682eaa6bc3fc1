"""`python -m cpo`: the reference CPO as a process of its own. Exit status 0 after SIGTERM, 3 where the settings are wrong."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence

from cpo.application import Application, build
from cpo.settings import BadSettings, Settings, read

BAD_SETTINGS = 3


def main(argv: Sequence[str] | None = None, make: Callable[[Settings], Application] = build) -> int:
    """Run a CPO until SIGTERM or SIGINT and return the exit status."""
    try:
        settings = read(argv)
        logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("ocpp").setLevel(logging.CRITICAL if settings.log_level != "DEBUG" else logging.DEBUG)
        logging.getLogger("websockets").setLevel(logging.WARNING)
        return asyncio.run(_run(make(settings)))
    except BadSettings as fault:
        print(f"cpo: {fault}", file=sys.stderr)
        return BAD_SETTINGS


async def _run(application: Application) -> int:
    until = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, until.set)
    await application.run(until)
    return 0


if __name__ == "__main__":
    sys.exit(main())
