"""Secrets are found whatever their variable is called and in whatever form they stand."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import numpy as np
import pytest

from compendium.build.secrets import find_secret, forms, redact, secrets_in

VALUE = 'a"k3y/w+th\\odd & <things> é'


@pytest.mark.parametrize(
    "name",
    ["IONQ_KEY", "IONQ_API_KEY", "GITHUB_PAT", "GH_TOKEN", "AWS_SECRET_ACCESS_KEY", "apikey", "MY_SECRET",
     "DB_PASSWORD", "PGPASS", "KEY", "TOKEN_2", "service.credentials", "SSH_PASSPHRASE", "SMTP_PWD"],
)  # fmt: skip
def test_a_name_that_says_so_is_a_secrets(name: str) -> None:
    expected = {} if name == "PGPASS" else {name: VALUE}  # one word: it could end in anything
    assert secrets_in({name: VALUE}) == expected


@pytest.mark.parametrize(
    "value",
    ["ghp_" + "a1B2" * 9, "github_pat_11AAAAAA0" + "x" * 30, "AKIA" + "IOSFODNN7EXAMPLE", "sk-" + "f00d" * 6,
     "eyJhbGciOi.eyJzdWIiOi.SflKxwRJSM", "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\n-----END"],
)  # fmt: skip
def test_a_value_with_the_shape_of_a_key_is_a_secret_under_any_name(value: str) -> None:
    assert secrets_in({"COLOUR": value}) == {"COLOUR": value}


@pytest.mark.parametrize(
    ("address", "secret"),
    [("postgresql://me:hunter22@db.example.org:5432/x?y=1", "hunter22"),
     ("https://me:p%40ss%2Fword9@example.org", "p@ss/word9"),
     ("https://0123456789abcdef@example.org/mirror", "0123456789abcdef")],
)  # fmt: skip
def test_of_an_address_the_password_is_the_secret_under_any_name(address: str, secret: str) -> None:
    assert secrets_in({"DATABASE_URL": address, "MIRROR": "https://example.org/@x"}) == {"DATABASE_URL": secret}


def test_ordinary_values_and_files_are_no_secrets(tmp_path) -> None:
    key_file = tmp_path / "id_rsa"
    key_file.write_text("x")
    ordinary = {
        "PATH": "/usr/bin:/usr/local/bin", "PWD": str(tmp_path), "KEYBOARD": "a-long-keyboard-name", "EMPTY_KEY": "",
        "SHORT_KEY": "abc-1", "WORD_PASSWORD": "password", "PIN_TOKEN": "20261128", "SSH_KEY": str(key_file),
        "PATTERN": "one-two-three-four", "NOT_A_URL_KEYS": " ",
    }  # fmt: skip
    assert secrets_in(ordinary) == {}


@pytest.mark.parametrize(
    "form",
    [str, lambda v: json.dumps({"x": v}), lambda v: json.dumps(v, ensure_ascii=False), quote, quote_plus, html.escape,
     repr, lambda v: json.dumps(f"key={v}; next"), lambda v: quote(v, safe="")],
)  # fmt: skip
@pytest.mark.parametrize("value", [VALUE, "line one of a key\nand a second line", "plain-key-0123"])
def test_a_secret_is_found_and_cut_out_in_every_form(form, value: str) -> None:
    secrets = {"SOME_KEY": value}
    text = f"before {form(value)} after"
    assert find_secret(text, secrets) == "SOME_KEY"
    assert find_secret(redact(text, secrets), secrets) is None
    assert redact(text, secrets).startswith("before") and redact(text, secrets).endswith("after")  # noqa: PT018


def test_a_secret_is_found_inside_base64_at_every_place() -> None:
    rng = np.random.default_rng(1)
    for before in range(9):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            around = rng.integers(0, 256, before + 5, dtype=np.uint8).tobytes()
            text = encode(around[:before] + VALUE.encode() + around[before:]).decode()
            assert find_secret(text, {"SOME_KEY": VALUE}) == "SOME_KEY"


def test_each_long_line_of_a_secret_of_several_lines_is_looked_for() -> None:
    secrets = secrets_in({"PRIVATE_KEY": "-----BEGIN-----\nMIIEpAIBAAKCAQEA7bq+\nshort\n"})
    assert find_secret('["MIIEpAIBAAKCAQEA7bq+\\n", "…"]', secrets) == "PRIVATE_KEY"
    assert find_secret("short", secrets) is None


def test_no_form_is_so_short_that_ordinary_text_holds_it() -> None:
    assert min(map(len, forms("abcdef-1"))) >= 8
