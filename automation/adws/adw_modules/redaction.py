"""Masks what looks like a credential, before a text reaches the database, a log or a report.

Two kinds are masked: texts with the known shape of a token, and the values of environment variables
whose names say that they are secret. It is a net under careless agents, not a promise: a password
without a shape passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

MASK = "[masked]"

_SECRET_NAME = re.compile(
    r"(?:TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)$", re.IGNORECASE
)
# Shorter values ("true", "admin") occur in ordinary text too often to be masked.
_SHORTEST_VALUE = 8

_WHOLE = re.compile(
    r"""
      -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    | \bsk-[A-Za-z0-9_-]{16,}                          # Anthropic, OpenAI and their like
    | \b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,})
    | \bxox[abeoprs]-[A-Za-z0-9-]{10,}
    | \b(?:AKIA|ASIA)[A-Z0-9]{16}\b
    | \bAIza[\w-]{30,}
    | \bnpm_[A-Za-z0-9]{30,}
    | \beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{4,}             # JSON web tokens
    """,
    re.VERBOSE | re.DOTALL,
)
# In these the first group stays, so that the reader sees what was there.
_AFTER_NAME = (
    re.compile(r"(\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE),
    re.compile(
        r"(\b(?:Proxy-)?Authorization[\"']?\s*[:=]\s*[\"']?)(?!Bearer|Basic)[^\s\"',;]{6,}", re.IGNORECASE
    ),
    re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?=@)", re.IGNORECASE),
    re.compile(
        r"(\b[\w-]*(?:token|secret|password|passwd|api[_-]?key|access[_-]?key)[\"']?\s*[:=]\s*[\"']?)"
        r"(?!\[masked\])[^\s\"',;]{8,}",
        re.IGNORECASE,
    ),
)


def secret_values(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The values in `environ` that must not be shown, longest first."""
    found = {
        value
        for name, value in environ.items()
        if len(value) >= _SHORTEST_VALUE and _SECRET_NAME.search(name)
    }
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with everything that looks like a credential, and every one of `secrets`, masked."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    text = _WHOLE.sub(MASK, text)
    for pattern in _AFTER_NAME:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return text
