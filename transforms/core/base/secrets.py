"""Masking what a configuration holds that nobody but its owner may read, before it is published."""

import re
from typing import Any

MASK = "***"

_NAME = re.compile(
    r"(^|_)(passwords?|passwd|passphrase|pwd|secrets?|tokens?|credentials?|private|auth|apikey)(_|$)"
    r"|(^|_)(api|access|account|secret|encryption|signing|storage|shared|sas|sse)_?key(_|$)"
    r"|(^|_)keys?$|customer_encryption_key|access_key_id|connection_string"
)
"""Names of options whose values are secret. Ours have none: `boxes` and the like stay."""

_HARMLESS = re.compile(r"_(file|path|uri|url|name|kms_key)$")
"""Names of where something is kept: `key_file`, and Google's `dataflow_kms_key`."""

_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\"private_key\"\s*:"
    r"|\b(AKIA|ASIA)[0-9A-Z]{16}\b"  # Amazon's access key ids
    r"|\bya29\.[\w-]+|\bAIza[\w-]{35}|\bgh[pousr]_\w{36}|\bhf_[A-Za-z0-9]{30,}"
    r"|\bey[\w-]{10,}\.ey[\w-]{10,}\.[\w-]+"  # JSON Web Tokens
)
_LOGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@]+@")
_ASSIGNED = re.compile(
    r"(?i)((?:password|passwd|secret|token|signature|credential|key)[\w.-]*\s*=\s*)[^&;,\s\"']+"
)


def mask_secrets(value: Any, name: str = "") -> Any:
    """The value with its secrets replaced by `MASK`.

    Secret is what an option is called after (`s3_secret_access_key`), what looks like a private
    key or a token, the user and password of a URL, and what a text assigns to such a name
    (`?token=…`). The name of a file in which a key is kept is no secret, and stays.

    Args:
      value: What JSON can hold, nested.
      name: What the value is called.
    """
    if isinstance(value, dict):
        return {key: mask_secrets(inner, str(key)) for key, inner in value.items()}
    if value is None or isinstance(value, bool):
        return value
    if _is_secret_name(name):
        return MASK
    if isinstance(value, list | tuple):
        return [mask_secrets(inner, name) for inner in value]
    return _mask_text(value) if isinstance(value, str) else value


def _is_secret_name(name: str) -> bool:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", name).lower()
    return bool(_NAME.search(words)) and not _HARMLESS.search(words)


def _mask_text(text: str) -> str:
    if _VALUE.search(text):
        return MASK
    return _ASSIGNED.sub(rf"\g<1>{MASK}", _LOGIN.sub(rf"\g<1>{MASK}@", text))
