"""Which transport a destination gets."""

from tests.backend import Backend, status
from tests.grpc_backend import GrpcBackend
from trackway._core.settings import Settings
from trackway._delivery.grpc_transport import GrpcTransport
from trackway._delivery.posting import answers, new_poster
from trackway._delivery.transport import Transport


def test_the_protocol_decides() -> None:
    """HTTP unless the setting says gRPC."""
    for protocol, expected in [(None, Transport), ("grpc", GrpcTransport)]:
        settings = Settings.from_env(endpoint="http://127.0.0.1:9", protocol=protocol)
        assert settings.remote is not None
        poster = new_poster(settings, settings.remote)
        assert type(poster) is expected
        poster.close()


def test_whether_a_destination_answers() -> None:
    """A request without a span is taken or not, in either protocol."""
    with GrpcBackend() as backend, Backend(status(401)) as refusing:
        taken = Settings.from_env(endpoint=backend.url, protocol="grpc")
        refused = Settings.from_env(endpoint=refusing.url)
        assert taken.remote is not None
        assert refused.remote is not None
        assert answers(taken, taken.remote, None)
        assert not answers(refused, refused.remote, None)
        assert backend.bodies == [b""]
