"""Refusals: what an object store's answer means, read from the message that obstore makes of it.

obstore has a handful of exception types, and one type stands for many answers: any 404 is a
`FileNotFoundError`, whether the store said "no such key" or a proxy said nothing.  What the store
itself said is in the message only: the status, the body, and under "Debug source" the innermost
cause of a connection that failed.

Not for: what a refusal means for a batch or a snapshot (`retries`, `stream`, `objects.snapshots`).
"""

import html
import re
from typing import NamedTuple

# What S3 and Google, and what Azure call an object that is not there.
_NO_SUCH_KEY = frozenset({"NoSuchKey", "BlobNotFound"})
# Azure answers the parts of a bulk delete without a code.
_NO_SUCH_BLOB = "The specified blob does not exist"
_NO_BUCKET = frozenset({"NoSuchBucket", "ContainerNotFound"})

_REQUEST = re.compile(r"Error performing ([A-Z]+) (\S+) in \S+ - ")
_STATUS = re.compile(r"non-2xx status code: (\d{3}) ?([^:\n]*)")
_BULK_STATUS = re.compile(r"\(code: (\d{3})\)()")
_CODE = re.compile(r"<Code>\s*([^<\s]+)\s*</Code>")
_MESSAGE = re.compile(r"<Message>\s*([^<]+?)\s*(?:RequestId:[^<]*)?</Message>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_OS_ERROR = re.compile(r"Os \{\s*code: \d+,\s*kind: (\w+)")
_NAMES = re.compile(r"\b[A-Z]\w+")
# A shared access signature is in the address that a message may quote.
_QUERY = re.compile(r"\?[^\s)\"']*[^\s)\"':]")
_METADATA = ("169.254.169.254", "169.254.170.", "metadata.google.internal")
_TEXT_LENGTH_MAX = 400

_HINTS = {
    "BadScheme": "to speak plain http to that endpoint set AWS_ALLOW_HTTP=true or AZURE_ALLOW_HTTP="
    "true",
    "InvalidCertificate": "for an authority of your own set SSL_CERT_FILE to its certificate",
    "InvalidContentType": "no TLS is spoken on that port",
}


class Refusal(NamedTuple):
    """One answer that was no success.

    `status` is None where no answer came; `code` is the store's own word, `cause` the innermost
    reason of a connection that failed, `text` all of it in one line without secrets.
    """

    status: int | None
    code: str | None
    cause: str | None
    text: str

    @property
    def no_such_key(self) -> bool:
        """Whether the store itself says that the object is not there.

        A 404 of something in front of the store, or about a bucket or an access key, is none.
        """
        return self.status == 404 and self.code in _NO_SUCH_KEY

    @property
    def may_pass(self) -> bool:
        """Whether the same request may fare better in a moment."""
        if self.cause is not None and self.cause.partition("(")[0] in _HINTS:
            return False
        if self.status is None or self.code == "RequestTimeout":
            return True
        if self.status == 404:
            return self.code not in _NO_BUCKET
        return self.status in (408, 429) or (self.status >= 500 and self.status != 501)


def refusal_of(error: Exception) -> Refusal:
    """What `error`, which obstore raised, says."""
    head, _, debug = str(error).partition("\n\nDebug source:")
    status = _STATUS.search(head) or _BULK_STATUS.search(head)
    if status is not None and status.re is _BULK_STATUS and _NO_SUCH_BLOB in head:
        return Refusal(404, "BlobNotFound", None, _NO_SUCH_BLOB)
    code, message = _CODE.search(head), _MESSAGE.search(head)
    cause = None if status else _cause(debug)
    request = _REQUEST.search(head)
    if request is None:
        said = head.partition("\n")[0]
    elif status is None:
        said = cause or head[request.end() :].partition("\n")[0]
    else:
        words = [f"{status[1]} {status[2]}".strip(), code and code[1], message and message[1]]
        said = ": ".join(html.unescape(word) for word in words if word)
    where = f"{request[1]} {request[2]}: " if request else ""
    if request is not None and any(address in request[2] for address in _METADATA):
        where = (
            "no AWS_ACCESS_KEY_ID (or other credentials) in the environment, and none came from "
            f"this machine's metadata address: {where}"
        )
    hint = _HINTS.get(cause.partition("(")[0]) if cause else None
    text = _QUERY.sub("?…", f"{where}{said}") + (f" ({hint})" if hint else "")
    return Refusal(
        int(status[1]) if status else None,
        code[1] if code else None,
        cause,
        " ".join(text[:_TEXT_LENGTH_MAX].split()),
    )


def _cause(debug: str) -> str | None:
    """The innermost cause of a failed connection: `ConnectionRefused`, `dns error: …`, …"""
    inner = debug.partition("inner:")[2]
    if os_error := _OS_ERROR.search(inner):
        return os_error[1]
    names = [name for name in _NAMES.findall(_QUOTED.sub("", inner)) if not name.endswith("Error")]
    if "InvalidCertificate" in names:
        return f"InvalidCertificate({names[-1]})"
    quoted = [" ".join(words.split()) for words in _QUOTED.findall(inner)]
    if quoted:
        return ": ".join(dict.fromkeys(quoted))
    return names[-1] if names else None
