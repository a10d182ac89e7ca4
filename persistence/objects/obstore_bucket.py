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
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import obstore
from obstore import exceptions
from obstore.store import from_url

from persistence.objects.bucket import Bucket, BucketError, BucketObject, ConditionFailed, Tag
from persistence.objects.refusals import Refusal, refusal_of

if TYPE_CHECKING:
    from obstore import UpdateVersion
    from obstore.store import ObjectStore

REQUEST_SECONDS = 5.0

_PAGE = 1000
_DELETES_AT_ONCE = 16
# S3 takes a thousand names in one request, Azure 256; Google takes one at a time.
_BULK_DELETE_MAX = {"s3": 1000, "az": 256, "gs": 256}


class ObstoreBucket(Bucket):
    """Implements `Bucket`.  Connects at the first call.

    The time for a request is kept here and not by obstore: client options given to it would make
    it ignore those of the environment (`AWS_ALLOW_HTTP`, `AWS_PROXY_URL`, …).
    """

    def __init__(self, url: str) -> None:
        """Raises `ValueError` when `url` names no bucket."""
        self.url = url
        self.delete_max = _BULK_DELETE_MAX[url.partition(":")[0]]
        try:
            self._store: ObjectStore = from_url(url, retry_config={"max_retries": 0})
        except exceptions.BaseError as error:
            raise ValueError(f"{url}: {refusal_of(error).text}") from None

    async def get(self, name: str) -> BucketObject | None:
        async with _request(f"get {name}"):
            try:
                result = await obstore.get_async(self._store, name)
                content = bytes(await result.bytes_async())
            except FileNotFoundError as error:
                if not refusal_of(error).no_such_key:
                    raise
                return None
            meta = result.meta
        return BucketObject(content, _tag(meta["e_tag"], meta["version"]))

    async def create(self, name: str, content: bytes) -> None:
        async with _request(f"create {name}"):
            # In one request at any size: a multipart upload knows no conditions.
            await obstore.put_async(self._store, name, content, mode="create", use_multipart=False)

    async def replace(self, name: str, content: bytes, tag: Tag) -> None:
        # obstore wants the keys that are known and refuses those that are None.
        mode: UpdateVersion = {}
        if "e_tag" in tag:
            mode["e_tag"] = tag["e_tag"]
        if "version" in tag:
            mode["version"] = tag["version"]
        async with _request(f"replace {name}"):
            await obstore.put_async(self._store, name, content, mode=mode, use_multipart=False)

    async def names(self, folder: str, after: str) -> AsyncIterator[Sequence[str]]:
        listing = obstore.list(self._store, folder, offset=after or None, chunk_size=_PAGE)
        pages = aiter(listing)
        while True:
            async with _request(f"list {folder}"):
                page = await anext(pages, None)
            if page is None:
                return
            # Some servers list from the begin whatever they were asked for.
            yield [entry["path"] for entry in page if entry["path"] > after]

    async def delete(self, names: Sequence[str]) -> None:
        try:
            async with _request(f"delete {len(names)} objects"):
                try:
                    await obstore.delete_async(self._store, list(names))
                except FileNotFoundError as error:
                    # Google and Azure stop at the first one that is gone.
                    if not refusal_of(error).no_such_key:
                        raise
                else:
                    return
        except ConditionFailed as error:  # an object that may not be deleted, by the store's rules
            raise BucketError(str(error), passing=False) from None
        await self._delete_one_by_one(names)

    async def _delete_one_by_one(self, names: Sequence[str]) -> None:
        limit = asyncio.Semaphore(_DELETES_AT_ONCE)

        async def delete(name: str) -> None:
            async with limit, _request(f"delete {name}"):
                try:
                    await obstore.delete_async(self._store, name)
                except FileNotFoundError as error:
                    if not refusal_of(error).no_such_key:
                        raise

        results = await asyncio.gather(*map(delete, names), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result


@contextlib.asynccontextmanager
async def _request(doing: str) -> AsyncIterator[None]:
    """Give the request its time, and its errors the names that the contract has for them."""
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            yield
    except TimeoutError:
        raise BucketError(f"{doing}: no answer in {REQUEST_SECONDS:g} s", passing=True) from None
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError) as error:
        refusal = refusal_of(error)
        if refusal.status == 404 and not refusal.no_such_key:  # not of the object: of a proxy, …
            raise _bucket_error(refusal) from None
        raise ConditionFailed(f"{doing}: {refusal.text}") from None
    except (FileNotFoundError, exceptions.BaseError) as error:
        raise _bucket_error(refusal_of(error)) from None


def _bucket_error(refusal: Refusal) -> BucketError:
    return BucketError(refusal.text, passing=refusal.may_pass)


def _tag(e_tag: str | None, version: str | None) -> dict[str, str]:
    named = {"e_tag": e_tag, "version": version}
    return {key: value for key, value in named.items() if value is not None}
