"""What obstore's messages are read as; each is copied from a real server or a failed connection."""

import pytest

from persistence.objects.refusals import refusal_of


def connection_error(inner: str) -> OSError:
    head = (
        "Generic S3 error: Error performing GET https://s3.invalid/bucket/x in 6.24ms - HTTP error"
    )
    return OSError(f"{head}: error sending request\n\nDebug source:\nGeneric {{ inner: {inner} }}")


def answered(request: str, status: str, body: str) -> OSError:
    answer = f"Server returned non-2xx status code: {status}: {body}"
    said = f"Error performing {request} in 1.4ms - {answer}"
    return OSError(f"Object at location p not found: {said}\n\nDebug source:\nNotFound {{ }}")


CAUSES = {
    "ConnectionRefused": (
        'Http( Connect, ConnectError( "tcp connect error", 127.0.0.1:1, '
        'Os { code: 111, kind: ConnectionRefused, message: "Connection refused", }, ), )',
        True,
    ),
    "dns error: failed to lookup address information: Name or service not known": (
        'Http( Connect, ConnectError( "dns error", Custom { kind: Uncategorized, error: '
        '"failed to lookup address information: Name or service not known", }, ), )',
        True,
    ),
    "IncompleteMessage": (
        "Http( HttpError { kind: Request, source: hyper::Error( IncompleteMessage, ) } )",
        True,
    ),
    "InvalidCertificate(UnknownIssuer)": (
        "Http( Connect, Custom { kind: Other, error: Custom { kind: InvalidData, error: "
        "InvalidCertificate( UnknownIssuer, ), }, }, )",
        False,
    ),
    "InvalidCertificate(CaUsedAsEndEntity)": (
        "Http( Custom { kind: InvalidData, error: InvalidCertificate( Other( OtherError( "
        "CaUsedAsEndEntity, ), ), ), } )",
        False,
    ),
    "InvalidContentType": (
        "Http( Custom { kind: InvalidData, error: InvalidMessage( InvalidContentType, ), } )",
        False,
    ),
    "BadScheme": ("Http( reqwest::Error { kind: Builder, source: BadScheme, } )", False),
}


@pytest.mark.parametrize(("cause", "debug", "may_pass"), [(c, *d) for c, d in CAUSES.items()])
def test_a_connection_that_failed_names_its_innermost_cause(
    cause: str, debug: str, may_pass: bool
) -> None:
    refusal = refusal_of(connection_error(debug))
    assert (refusal.status, refusal.cause) == (None, cause)
    assert f"GET https://s3.invalid/bucket/x: {cause}" in refusal.text
    assert refusal.may_pass is may_pass


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        ("InvalidCertificate(UnknownIssuer)", "SSL_CERT_FILE"),
        ("InvalidContentType", "no TLS is spoken"),
        ("BadScheme", "AWS_ALLOW_HTTP=true"),
    ],
)
def test_a_cause_that_a_setting_mends_names_the_setting(cause: str, advice: str) -> None:
    assert advice in refusal_of(connection_error(CAUSES[cause][0])).text


def test_an_answer_is_told_in_one_line_with_the_store_s_own_words() -> None:
    body = (
        '<?xml version="1.0"?>\n<Error><Code>AuthorizationHeaderMalformed</Code><Message>'
        "The region &#34;eu-west-3&#34; is wrong; expecting &#34;us-east-1&#34;</Message></Error>"
    )
    refusal = refusal_of(
        answered("GET http://127.0.0.1:7070/b/x?list-type=2", "400 Bad Request", body)
    )
    assert refusal.text == (
        "GET http://127.0.0.1:7070/b/x?…: 400 Bad Request: AuthorizationHeaderMalformed: "
        'The region "eu-west-3" is wrong; expecting "us-east-1"'
    )


def test_azure_s_answers_are_read_without_their_request_ids() -> None:
    body = (
        "<Error>\n  <Code>BlobNotFound</Code>\n  <Message>The specified blob does not exist.\n"
        "RequestId:92e29f82\nTime:2026-11-25T12:52:58.407Z</Message>\n</Error>"
    )
    refusal = refusal_of(answered("GET http://host/storage/container/x", "404 Not Found", body))
    assert refusal.no_such_key
    assert refusal.text.endswith("404 Not Found: BlobNotFound: The specified blob does not exist.")


@pytest.mark.parametrize(("what", "gone"), [("blob", True), ("container", False)])
def test_a_part_of_a_bulk_delete_on_azure_is_read_by_its_sentence(what: str, gone: bool) -> None:
    sentence = f"The specified {what} does not exist. (code: 404)"
    error = OSError(
        f"Object at location n not found: Bulk delete request failed for key n: {sentence}"
    )
    assert refusal_of(error).status == 404
    assert refusal_of(error).no_such_key is gone


def test_who_has_no_credentials_is_told_so_and_not_of_a_metadata_address_alone() -> None:
    error = answered("PUT http://169.254.169.254/latest/api/token", "403 Forbidden", "denied")
    assert refusal_of(error).text.startswith("no AWS_ACCESS_KEY_ID (or other credentials)")
