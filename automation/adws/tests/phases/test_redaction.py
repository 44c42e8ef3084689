"""What is masked before it is stored, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw_state.redaction import recordable, redact, secret_values


@pytest.mark.parametrize(
    "secret",
    [
        "sk-ant-api03-" + "a1B2" * 8, "sk-proj-" + "a1B2" * 8, "sk_live_" + "a1B2" * 6,
        "ghp_" + "a1B2" * 9, "github_pat_" + "a1B2" * 9, "hf_" + "aBcD" * 9, "npm_" + "a1B2" * 9,
        "glpat-" + "a1B2" * 5, "xoxb-123456789012-abcdef", "AKIA" + "A1B2" * 4, "AIza" + "a1B2" * 9,
        "ya29." + "a1B2" * 9, "GOCSPX-" + "a1B2" * 7, "pypi-" + "a1B2" * 9,
        "SG." + "a1B2" * 5 + "." + "a1B2" * 5, "AGE-SECRET-KEY-1" + "A1B2" * 9,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK-----",
    ],
)  # fmt: skip
def test_a_token_of_known_shape_is_masked(secret: str) -> None:
    assert redact(f"before {secret} after") == "before [masked] after"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer [masked]"),
        ("Authorization: Bearer correcthorse", "Authorization: Bearer [masked]"),
        ('"Authorization": "Basic dXNlcjpwYXNz"', '"Authorization": "Basic [masked]"'),
        ("curl -H 'X-Api-Key: abc123def'", "curl -H 'X-Api-Key: [masked]'"),
        ("https://kim:hunter22@example.org/x", "https://kim:[masked]@example.org/x"),
        ("postgres://kim:hunter@22@db/x", "postgres://kim:[masked]@db/x"),
        ("DB_PASSWORD=correcthorse rest", "DB_PASSWORD=[masked] rest"),
        ("SECRET_KEY='django-insecure-x'", "SECRET_KEY='[masked]'"),
        ("password: hunter2", "password: [masked]"),
        ("password => 'hunter2222'", "password => '[masked]'"),
        ('password="correct horse battery"', 'password="[masked]"'),
        ('{"api_key": "0123456789"}', '{"api_key": "[masked]"}'),
        (r'"{\"password\": \"hunter2222\"}"', r'"{\"password\": \"[masked]\"}"'),
        ("aws_secret_access_key = abc/def+123", "aws_secret_access_key = [masked]"),
        ("my-agent --api-key abcdefgh1 --fast", "my-agent --api-key [masked] --fast"),
    ],
)
def test_what_follows_a_telling_name_is_masked(text: str, masked: str) -> None:
    assert redact(text) == masked
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "tokens: 123456789",
        "the risk-based-approach-to-testing",
        "src/secret_santa.py",
        "a token ring",
        "basic validation is missing",
        "Bearer tokens are used",
        "the message says password: required",
        '{"password": "string"}',
        "token = get_token(user)",
        'password = request.form["password"]',
        "my-agent --token-file /etc/token --password required",
        "class sk-fading-circle-loader",
        "http://host:8080/@x and http://localhost:3000?x=a@b",
        '["http://localhost:3000", "kim@example.org"]',
        "http://localhost:3000,kim@example.org",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "SHOP_TOKEN", "npm_token", "PGPASSWORD", "MYSQL_PWD", "DB_PASS", "GITHUB_PAT", "SECRET_KEY_BASE",
        "DJANGO_SECRET_KEY", "OPENAI_API_KEY", "SHOP_TOKEN_2", "SIGNING_KEY", "SSH_PASSPHRASE",
    ],
)  # fmt: skip
def test_the_value_of_a_secret_variable_is_masked(name: str) -> None:
    secrets = secret_values({name: "swordfish-7", "PATH": "/usr/bin:/bin"})
    assert redact("said swordfish-7 in /usr/bin:/bin", secrets) == "said [masked] in /usr/bin:/bin"


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "SSH_AUTH_SOCK", "TOKENIZERS_PARALLELISM", "KEYBOARD"])
def test_the_value_of_an_ordinary_variable_stays(name: str) -> None:
    assert secret_values({name: "swordfish-7"}) == ()


def test_short_values_of_secret_variables_stay() -> None:
    assert secret_values({"SHOP_TOKEN": "swordfish-7", "SHOP_PASSWORD": "short"}) == ("swordfish-7",)


def test_a_secret_is_masked_as_json_and_addresses_spell_it_too() -> None:
    secrets = secret_values({"SHOP_PASSWORD": ' pä"ss/word\n'})
    for spelled in ('pä"ss/word', 'pä\\"ss/word', 'p\\u00e4\\"ss/word', "p%C3%A4%22ss%2Fword"):
        assert redact(f"<{spelled}>", secrets) == "<[masked]>"


def test_what_no_database_takes_is_left_out() -> None:
    assert recordable("a\0b\ud800c ghp_" + "a1B2" * 9) == "ab?c [masked]"


_PIECES = (
    "token",
    "password",
    "--",
    "=",
    ": ",
    '"',
    "\\",
    "'",
    "Bearer ",
    "://",
    "@",
    ":",
    "abc123def456",
    " ",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=20).map("".join))
def test_masking_a_masked_text_changes_nothing(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("piece", ["a-", "eyJ-", "sk-", "--a-", "token", "://", "Bearer a", "a.a", "SG.aaaa"])
def test_a_long_text_without_a_credential_stays(piece: str) -> None:
    # A pattern that takes quadratic time would make itself felt here by minutes.
    text = piece * 100_000
    assert redact(text) == text
