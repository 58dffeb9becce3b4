"""A gRPC server of the tests' own on loopback, with OTLP's one method; it does to its clients what the script says.

A *behaviour* gets the body and the call, and returns the reply or ends the call. A backend plays one behaviour a
request and goes on with the last. It remembers every request and, of those that it accepted, every span.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent import futures
from types import TracebackType
from typing import Final, Self, cast

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

Behaviour = Callable[[bytes, grpc.ServicerContext], bytes]


class GrpcBackend(grpc.GenericRpcHandler):
    """A server in threads of this process; `with GrpcBackend(behaviour, …) as backend:`."""

    def __init__(
        self, *script: Behaviour, tls: grpc.ServerCredentials | None = None, port: int = 0
    ) -> None:
        self.play(*script)
        self.bodies: list[bytes] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.spans: Counter[str] = Counter()
        """How often each span was accepted."""
        self.closing = threading.Event()
        """Set when the backend closes: for behaviours that answer never."""
        self._secure = tls is not None
        self._pool = futures.ThreadPoolExecutor(4)
        self._server = grpc.server(self._pool)
        self._server.add_generic_rpc_handlers((self,))
        address = f"127.0.0.1:{port}"
        self.port = (
            self._server.add_insecure_port(address)
            if tls is None
            else self._server.add_secure_port(address, tls)
        )
        self._server.start()

    def play(self, *script: Behaviour) -> None:
        """Begins another script with the next request."""
        self._script = deque(script or (accept,))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self._secure else f"http://127.0.0.1:{self.port}"

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        if handler_call_details.method != METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(self._export)

    def _export(self, body: bytes, call: grpc.ServicerContext) -> bytes:
        self.bodies.append(body)
        self.metadata.append({str(k): v for k, v in call.invocation_metadata()})
        behaviour = self._script[0]
        if len(self._script) > 1:
            self._script.popleft()
        reply = behaviour(body, call)
        self.spans.update(span_ids(body))
        return reply

    def close(self) -> None:
        self.closing.set()
        self._server.stop(None).wait()
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def span_ids(body: bytes) -> list[str]:
    found = ExportTraceServiceRequest.FromString(body)
    scopes = (scope for resource in found.resource_spans for scope in resource.scope_spans)
    return [span.span_id.hex() for scope in scopes for span in scope.spans]


# -- behaviours -------------------------------------------------------------------------------------------------------


def accept(body: bytes, call: grpc.ServicerContext) -> bytes:
    """Takes the spans."""
    return b""


def reply(data: bytes) -> Behaviour:
    """Takes the spans and answers these bytes."""
    return lambda body, call: data


def refuse(code: grpc.StatusCode, details: str = "", status: bytes | None = None) -> Behaviour:
    """Ends the call with *code*; *status* are the bytes of a google.rpc.Status."""

    def behave(body: bytes, call: grpc.ServicerContext) -> bytes:
        if status is not None:
            call.set_trailing_metadata((("grpc-status-details-bin", status),))
        return cast("bytes", call.abort(code, details))

    return behave


def refusing(poison: Callable[[str], bool], code: grpc.StatusCode) -> Behaviour:
    """Refuses requests in which a span is that *poison* says so of."""

    def behave(body: bytes, call: grpc.ServicerContext) -> bytes:
        return refuse(code)(body, call) if any(map(poison, span_ids(body))) else b""

    return behave
