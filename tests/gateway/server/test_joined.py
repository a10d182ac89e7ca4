"""One more gateway is refused what only a server can have; what it does is tried on real Ray."""

import pytest

from gateway.server.joined import join_and_serve
from gateway.settings import Settings, WrongSettings

FITS = {"placement": "packed", "ray": "10.0.0.1:6379", "store": "s3://bucket/questkeep"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"placement": "dedicated"}, "placement is dedicated, expected packed"),
        ({"ray": "local"}, "expected the address of the server's cluster"),
        ({"store": "file:///srv/questkeep"}, "expected the server's object storage"),
        ({"store": "memory://"}, "expected the server's object storage"),
        ({"gateways": 2}, "gateways is 2, expected 1"),
    ],
)
def test_what_only_a_server_can_have_is_refused_in_a_sentence(
    change: dict[str, object], problem: str
) -> None:
    with pytest.raises(WrongSettings) as refused:
        join_and_serve(Settings(**{**FITS, **change}))
    assert [problem in each for each in refused.value.problems] == [True]
