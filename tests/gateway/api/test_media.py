"""Lists of answers that are encoded already."""

import msgpack
import orjson
import pytest

from actors.messages import Media
from gateway.api.media import join

READ = {Media.JSON: orjson.loads, Media.MSGPACK: msgpack.unpackb}
WRITE = {Media.JSON: orjson.dumps, Media.MSGPACK: msgpack.packb}


@pytest.mark.parametrize("media", Media)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 1_000])
def test_values_are_joined_to_the_list_of_them(media: Media, count: int) -> None:
    values = [{"number": number} for number in range(count)]
    assert READ[media](join([WRITE[media](value) for value in values], media)) == values
