"""`Bucket` over S3, Google Cloud Storage and Azure, by way of obstore.

obstore itself reads credentials and endpoints from the variables each of them is known by
(`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`,
`AZURE_STORAGE_ACCOUNT_NAME`, …), so Questkeep never sees a secret.

Its own retries are off: it would try for three minutes where we have a deadline, and it reports its
own earlier success as a lost race.  `retries` tries again, knowing that.

Not for: deciding what an error means for a batch (`retries`).
"""

import asyncio
import contextlib
import ipaddress
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore import exceptions
from obstore.store import from_url

from persistence.objects.bucket import BucketError, ConditionFailed, Found, Tag

if TYPE_CHECKING:
    from obstore import UpdateVersion
    from obstore.store import ClientConfig, ObjectStore, S3Config

_PAGE = 1000
_DELETES_AT_ONCE = 16
_MESSAGE_LENGTH_MAX = 300
# A shared access signature stands in the address that a message may quote.
_QUERY = re.compile(r"\?[^\s)\"']*")
_BODY = re.compile(r": <.*")
_GONE = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist")
_BAD_SCHEME = "builder error"


@dataclass(frozen=True)
class Connection:
    """How to reach a bucket.

    `endpoint` is for an S3-compatible server where `AWS_ENDPOINT_URL` is not set; plain http is
    spoken to one on this machine, and elsewhere only when `AWS_ALLOW_HTTP` says so.
    """

    endpoint: str | None = None
    request_seconds: float = 5


class ObstoreBucket:
    """Implements `Bucket`.  Connects at the first call.

    The time for a request is kept here and not by obstore: client options given to it would make
    it ignore those of the environment (`AWS_ALLOW_HTTP`, `AWS_PROXY_URL`, …).
    """

    def __init__(self, url: str, connection: Connection) -> None:
        """Raises `ValueError` when `url` names no bucket."""
        self.url = url
        self._seconds = connection.request_seconds
        endpoint = connection.endpoint
        config: S3Config | None = None if endpoint is None else {"endpoint": endpoint}
        client: ClientConfig | None = None
        if endpoint is not None and _is_loopback(endpoint):
            client = {"allow_http": True}
        try:
            self._store: ObjectStore = from_url(
                url, config=config, client_options=client, retry_config={"max_retries": 0}
            )
        except exceptions.BaseError as error:
            raise ValueError(f"{url}: {_said(error)}") from None

    async def get(self, name: str) -> Found | None:
        async with self._request(f"get {name}"):
            try:
                result = await obstore.get_async(self._store, name)
                content = bytes(await result.bytes_async())
            except FileNotFoundError as error:
                _refuse_missing_bucket(error)
                return None
            meta = result.meta
        return Found(content, _tag(meta["e_tag"], meta["version"]))

    async def create(self, name: str, content: bytes) -> None:
        async with self._request(f"create {name}"):
            # In one request at any size: a multipart upload knows no conditions.
            await obstore.put_async(self._store, name, content, mode="create", use_multipart=False)

    async def replace(self, name: str, content: bytes, tag: Tag) -> None:
        # obstore wants the keys that are known and refuses those that are None.
        mode: UpdateVersion = {}
        if "e_tag" in tag:
            mode["e_tag"] = tag["e_tag"]
        if "version" in tag:
            mode["version"] = tag["version"]
        async with self._request(f"replace {name}"):
            try:
                await obstore.put_async(self._store, name, content, mode=mode, use_multipart=False)
            except FileNotFoundError as error:
                _refuse_missing_bucket(error)
                raise ConditionFailed(f"{name} is gone") from None

    async def names(self, folder: str, after: str) -> AsyncIterator[Sequence[str]]:
        listing = obstore.list(self._store, folder, offset=after or None, chunk_size=_PAGE)
        pages = aiter(listing)
        while True:
            async with self._request(f"list {folder}"):
                page = await anext(pages, None)
            if page is None:
                return
            yield [entry["path"] for entry in page]

    async def delete(self, names: Sequence[str]) -> None:
        async with self._request(f"delete {len(names)} objects"):
            try:
                await obstore.delete_async(self._store, list(names))
            except FileNotFoundError as error:
                # Google and Azure stop at the first one that is gone.
                _refuse_missing_bucket(error)
                await self._delete_one_by_one(names)

    async def _delete_one_by_one(self, names: Sequence[str]) -> None:
        limit = asyncio.Semaphore(_DELETES_AT_ONCE)

        async def delete(name: str) -> None:
            async with limit:
                with contextlib.suppress(FileNotFoundError):
                    await obstore.delete_async(self._store, name)

        await asyncio.gather(*(delete(name) for name in names))

    @contextlib.asynccontextmanager
    async def _request(self, doing: str) -> AsyncIterator[None]:
        """Give the request its time, and its errors the names that the contract has for them."""
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError:
            raise BucketError(f"{doing}: no answer in {self._seconds} s", passing=True) from None
        except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as error:
            raise ConditionFailed(f"{doing}: {_said(error)}") from None
        except FileNotFoundError as error:  # of a write or a listing: the bucket is not there
            raise BucketError(f"{doing}: {_said(error)}", passing=False) from None
        except (exceptions.GenericError, exceptions.JoinError) as error:
            # Broken connections, 5xx, 429; and whatever obstore has no name for.
            raise BucketError(f"{doing}: {_said(error)}", passing=_passes(error)) from None
        except exceptions.BaseError as error:
            raise BucketError(f"{doing}: {_said(error)}", passing=False) from None


def _tag(e_tag: str | None, version: str | None) -> dict[str, str]:
    named = {"e_tag": e_tag, "version": version}
    return {key: value for key, value in named.items() if value is not None}


def _passes(error: exceptions.BaseError) -> bool:
    return not any(words in str(error) for words in (_BAD_SCHEME, *_GONE))


def _refuse_missing_bucket(error: FileNotFoundError) -> None:
    """Without its bucket every user would look like one never written."""
    if any(words in str(error) for words in _GONE):
        raise BucketError(f"the bucket itself was not found: {_said(error)}", passing=False)


def _said(error: Exception) -> str:
    """obstore's message without its page of internals and without secrets in addresses."""
    first = str(error).partition("\n")[0]
    if _BAD_SCHEME in first:
        first += " (to speak plain http to that endpoint set AWS_ALLOW_HTTP=true)"
    return _QUERY.sub("?…", _BODY.sub("", first))[:_MESSAGE_LENGTH_MAX]


def _is_loopback(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
