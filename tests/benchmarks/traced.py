"""The product with every allocation traced: `python traced.py PORT_FILE run`.

It writes the port to that file on which it says what is held. Each line that comes, whatever it says, is answered with
what is held after a collection of garbage, and what was held at most since the line before; it is what tells apart what
something keeps from what it takes while it is done.
"""

import gc
import json
import socket
import sys
import tracemalloc
from pathlib import Path
from threading import Thread

from rainbow_exchange.__main__ import main


def held() -> dict[str, int]:
    """Say what is held now, and what was at most; what is held at most counts anew from here."""
    peak = tracemalloc.get_traced_memory()[1]
    gc.collect()
    current, blocks = tracemalloc.get_traced_memory()[0], sys.getallocatedblocks()
    tracemalloc.reset_peak()
    return {"held": current, "peak": peak, "blocks": blocks}


def serve(listening: socket.socket) -> None:
    """Answer whoever asks, one after another."""
    while True:
        connection, _ = listening.accept()
        with connection, connection.makefile("rw", encoding="ascii") as lines:
            for _line in lines:
                lines.write(json.dumps(held()) + "\n")
                lines.flush()


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0))
    Path(sys.argv.pop(1)).write_text(str(listening.getsockname()[1]), encoding="ascii")
    tracemalloc.start()
    Thread(target=serve, args=(listening,), name="held", daemon=True).start()
    main()
