"""Where the secret comes from that tokens are signed with."""

from pathlib import Path

import pytest

from gateway.auth.tokens import Signing, signing
from gateway.settings import Settings, WrongSettings

SECRET = "a secret of this test alone, 40 bytes ..."


def from_file(path: Path) -> Signing:
    return signing(Settings(jwt_secret_file=path, host="0.0.0.0"))


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_secret_is_read_from_its_file_without_the_end_of_its_line(
    tmp_path: Path, end: str
) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + end, encoding="utf-8", newline="")
    assert from_file(path) == Signing(SECRET.encode())


def test_a_file_without_a_secret_in_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    with pytest.raises(WrongSettings, match=r"secret cannot be read: No such file"):
        from_file(path)
    path.write_text("short\n", encoding="utf-8")
    with pytest.raises(WrongSettings, match=r"holds 5 bytes, expected 32 or more\.") as refusal:
        from_file(path)
    assert "short" not in str(refusal.value).replace(str(path), "")


def test_a_secret_and_a_file_of_one_are_not_both_taken(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jwt_secret and jwt_secret_file are set"):
        Settings(jwt_secret=SECRET, jwt_secret_file=tmp_path)


@pytest.mark.parametrize("place", ["http://[::1]:80/keys", "http://127.0.0.1/", "https://a/"])
def test_keys_may_come_from_this_machine_or_over_tls(place: str) -> None:
    assert Settings(jwks=place).jwks == place
