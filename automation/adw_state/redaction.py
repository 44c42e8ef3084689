"""Masks what looks like a credential, before a text reaches the database, a log or a report.

Two kinds are masked: texts with the known shape of a token, and the values of environment variables
whose names say that they are secret. It is a net under careless agents, not a promise: a password
without a shape passes.

Masking changes what a text says, so an answer is understood first. What is stored of it is masked
afterwards, one text at a time, and before it is shortened: half a credential has no shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring, encode_basestring_ascii
from urllib.parse import quote

from adw_state.text_files import storable

MASK = "[masked]"

_SECRET_NAME = re.compile(
    r"""
    (?: TOKEN | SECRET | PASSWORD | PASSWD | PASSPHRASE | CREDENTIALS? | _PASS | _PWD | _PAT
      | (?:API|ACCESS|SECRET|PRIVATE|ACCOUNT|SIGNING|ENCRYPTION|AUTH|MASTER)_?KEY
    ) (?:_?\d+ | _BASE)? $
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Shorter values ("true", "admin") occur in ordinary text too often to be masked.
_SHORTEST_VALUE = 8

# What comes before a certain end is bounded in these patterns, so that they take linear time on any text.
_WHOLE = re.compile(
    r"""
      -----BEGIN\ [A-Z ]*PRIVATE\ KEY(?:\ BLOCK)?-----
      .*?(?:-----END\ [A-Z ]*PRIVATE\ KEY(?:\ BLOCK)?-----|\Z)
    | \bsk-(?=[A-Za-z_-]{0,60}\d)[A-Za-z0-9_-]{16,}    # Anthropic, OpenAI and their like
    | \b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}    # Stripe
    | \b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \b(?:AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,})
    | \b(?:npm|hf)_[A-Za-z0-9]{30,}
    | \bpypi-[\w-]{30,}
    | \bSG\.[\w-]{16,}\.[\w-]{16,}                     # SendGrid
    | \bAGE-SECRET-KEY-1[A-Z0-9]{20,}
    | \beyJ[\w-]{8,400}\.[\w-]{8,}\.[\w-]{4,}          # JSON web tokens
    """,
    re.VERBOSE | re.DOTALL,
)

_NAME = (
    r"(?:token|secret|password|passwd|passphrase"
    r"|(?:api|access|secret|private|account|signing|encryption|auth|master)[_-]?key)"
)
# A quotation mark, which has backslashes before it where JSON is quoted in JSON.
_QUOTE = r"(?:\\*[\"'`])"
_IS = rf"{_QUOTE}?\s*[:=]>?\s*"
# What people write behind such a name when they talk about it, and code that gets the value elsewhere.
_ORDINARY = (
    r"(?!\[masked\]|[A-Za-z_.]+[(\[]"
    r"|(?:required|optional|undefined|disabled|enabled|expected|incorrect|accepted|rejected|provided"
    r"|returned|invalid|missing|string|boolean|integer|bearer|basic|digest)(?![\w-]))"
)
# Short values need both letters and digits.
_VALUE = r"(?:[^\s\"'`,;]{8,}|(?=[^\s\"'`,;]*\d)(?=[^\s\"'`,;]*[A-Za-z])[^\s\"'`,;]{6,})"
# In these the first group stays, so that the reader sees what was there.
_AFTER_NAME = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(\bBearer\s+)(?=[\w.~+/=-]*(?:\d|(?-i:[a-z][A-Z])))[\w.~+/=-]{8,}",
        r"(\bBasic\s+)(?=[a-z0-9+/]*(?:\d|(?-i:[a-z][A-Z])))[a-z0-9+/]{8,}={0,2}(?![\w.-])",
        rf"(\bAuthorization{_IS}{_QUOTE}?(?:(?:Bearer|Basic|Digest|Token)\s+)?){_ORDINARY}{_VALUE}",
        # Not the port of one address and the name in another.
        r"(://[^\s/:@\"']*:)(?!\d{1,5}[,;)|\]])[^\s/?#\"'<>]+(?=@)",
        rf"({_NAME}{_IS}({_QUOTE}))(?!string\b){_ORDINARY}[^\"'`\n]{{6,}}?(?=\2)",
        rf"({_NAME}{_IS}){_ORDINARY}{_VALUE}",
        rf"((?<![\w-])--?[\w-]{{0,40}}{_NAME}\s+){_ORDINARY}{_VALUE}",
    )
)


def secret_values(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values in `environ` that must not be shown, longest first; also as JSON and URLs spell them."""
    found: set[str] = set()
    for name, given in environ.items():
        value = given.strip()
        if len(value) >= _SHORTEST_VALUE and _SECRET_NAME.search(name):
            found |= {value, encode_basestring(value)[1:-1], encode_basestring_ascii(value)[1:-1]}
            found.add(quote(value, safe="", errors="replace"))
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with everything that looks like a credential, and every one of `secrets`, masked."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _WHOLE.sub(MASK, text)
    for pattern in _AFTER_NAME:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def recordable(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` as it can be stored: masked, and without what no database takes."""
    return redact(storable(text), secrets)
