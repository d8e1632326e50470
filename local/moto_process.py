"""The program of the moto process, which `aws_services` starts; nobody starts it by hand.

What hop this is: `aws_services -> [moto_process]`.

What the real service does: it is AWS; http://docs.getmoto.org/en/latest/docs/server_mode.html tells what moto does.

What differs from moto's own server, on purpose:
1. it listens on 127.0.0.1 alone, on a port the system chooses, and tells that port in its one line of output;
2. it ends when its standard input does, so not even a `kill -9` of the emulator leaves it behind;
3. it logs no requests.
"""

from __future__ import annotations

import logging
import os
import sys
import threading

# How often the server looks whether it was asked to end, which it never is: 2. So it sleeps until there is a request.
LOOK_UP_SECONDS = 3600


def main() -> None:
    """Serves until standard input ends. moto is imported in here: it costs a third of a second and 50 MB."""
    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    services = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, services, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, args=(LOOK_UP_SECONDS,), daemon=True).start()

    # moto prints warnings; nobody reads this pipe after its first line, and a full pipe would stop the writer.
    announcements, sys.stdout = sys.stdout, sys.stderr
    announcements.write(f"{server.port}\n")
    announcements.flush()
    sys.stdin.buffer.read()
    os._exit(0)  # requests still running have nobody left to answer


if __name__ == "__main__":
    main()
