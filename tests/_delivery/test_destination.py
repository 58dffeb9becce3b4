"""Where spans go, by name."""

from trackway._core.backend import Remote
from trackway._core.settings import Settings
from trackway._delivery.destination import description_of, identity_of


def remote(**settings: object) -> Remote:
    found = Settings.from_env(**settings).remote
    assert found is not None
    return found


def test_the_name_is_the_configurations() -> None:
    """The same configuration has the same name; another address, project or key another one."""
    first = remote(endpoint="http://a:1", project="p")
    assert identity_of(first) == identity_of(remote(endpoint="http://a:1/", project="p"))
    others = [
        remote(endpoint="http://b:1", project="p"),
        remote(endpoint="http://a:1", project="q"),
        remote(public_key="p", secret_key="s", base_url="http://a:1"),
    ]
    assert len({identity_of(one) for one in [first, *others]}) == 4


def test_no_secret_is_in_it() -> None:
    """A new secret is the same destination, and nothing of it is written down."""
    one = remote(public_key="pk", secret_key="secret-one-1234", base_url="http://a:1")
    other = remote(public_key="pk", secret_key="secret-two-5678", base_url="http://a:1")
    assert identity_of(one) == identity_of(other)
    assert "secret" not in str(description_of(one))


def test_local_is_described() -> None:
    """The local destination is called so."""
    assert description_of(None) == {"kind": "local"}
