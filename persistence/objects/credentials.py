"""Credentials of object stores: by which variables obstore finds them, and what to say of none.

Not for: reading the environment (`gateway.settings_sources`) or any secret: names only.
"""

from collections.abc import Mapping

VARIABLES = {
    "s3": (
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SKIP_SIGNATURE",
    ),
    "gs": (
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        "GOOGLE_SKIP_SIGNATURE",
    ),
    "az": (
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_ACCESS_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_STORAGE_TOKEN",
        "AZURE_STORAGE_CLIENT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_STORAGE_USE_EMULATOR",
        "AZURE_SKIP_SIGNATURE",
    ),
}
"""By any of these obstore finds credentials; without them it asks a metadata address."""


def warning(store_url: str, environment: Mapping[str, str]) -> str | None:
    """What to say before a bucket is asked for: that nothing in `environment` opens it.

    On a machine of that cloud the metadata address has credentials, and all is well; elsewhere it
    only takes long to fail.
    """
    names = VARIABLES.get(store_url.partition(":")[0])
    if names is None or any(environment.get(name) for name in names):
        return None
    return (
        f"There is no {names[0]} in the environment: credentials for {store_url} are asked for at "
        "this machine's metadata address, where only a machine of that cloud finds any."
    )
