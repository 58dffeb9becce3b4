"""A user goes along from one service to another: both ends ask for it, and the trace is one.

python examples/two_services.py

Two processes. The shop calls billing over HTTP and says that its users may travel (`as_baggage=True`); billing believes
who calls it (`accept_baggage=True`), because only the shop can reach it. The last order is made without: its invoice is
in the same trace, but for nobody.
"""

import subprocess
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from trackway import extract, get_client, inject, observe, propagate_attributes

ORDERS = (("alice", True), ("bob", True), ("carol", False))


# -- billing -----------------------------------------------------------------------------------------------------------


@observe
def invoice(order: str) -> str:
    """What billing does for whoever ordered; nobody hands it a user."""
    return f"invoice for {order}"


class Billing(BaseHTTPRequestHandler):
    """Goes on from the caller's observation, for the caller's user."""

    def do_POST(self) -> None:
        """One order."""
        order = self.rfile.read(int(self.headers["content-length"])).decode()
        with extract(dict(self.headers), accept_baggage=True):
            answer = invoice(order).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing: the shop tells what happens."""


def billing() -> None:
    """Serves as many orders as there are, on a port that it tells on standard output."""
    with HTTPServer(("127.0.0.1", 0), Billing) as server:
        print(server.server_port, flush=True)
        for _ in ORDERS:
            server.handle_request()


# -- the shop ----------------------------------------------------------------------------------------------------------


@observe(as_type="agent")
def order(url: str, what: str) -> str:
    """Calls billing; `inject` writes who asks into the headers, and the user if it may travel."""
    headers: dict[str, str] = {}
    inject(headers)
    request = urllib.request.Request(url, what.encode(), headers)  # noqa: S310 - a URL of our own
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - likewise
        return str(response.read().decode())


def shop() -> None:
    """Starts billing, and orders something for each user."""
    command = [sys.executable, __file__, "billing"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:  # noqa: S603 - this very file
        assert service.stdout is not None
        url = f"http://127.0.0.1:{int(service.stdout.readline())}"
        for user, travels in ORDERS:
            with propagate_attributes(user_id=user, as_baggage=travels):
                print(f"{user}: {order(url, f'a book of {user}')}")
    get_client().flush()


if __name__ == "__main__":
    billing() if sys.argv[1:] == ["billing"] else shop()
