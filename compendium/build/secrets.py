"""Keys come from the environment and must not be stored: what to look for, and looking.

A variable holds a secret if its name says so (KEY, TOKEN, PAT, PASSWORD, …), if its value has the shape of a vendor's
key, or if it is an address with a password in it. It is looked for as it is and in the forms in which outputs and files
would hold it: escaped in JSON, HTML or Python, quoted for an address, and in base64, there also as a part of a longer
text; of a value of several lines, each line.

>>> secrets_in({"IONQ_API_KEY": "0123-4567-89ab", "HOME": "/root", "DATABASE_URL": "https://me:hunter22@example.org/"})
{'IONQ_API_KEY': '0123-4567-89ab', 'DATABASE_URL': 'hunter22'}
>>> find_secret("header: 0123-4567-89ab", {"IONQ_API_KEY": "0123-4567-89ab"})
'IONQ_API_KEY'
>>> redact("Basic YXBpS2V5IDAxMjMtNDU2Ny04OWFi", {"IONQ_API_KEY": "0123-4567-89ab"})
'Basic YXBpS2V5ID<IONQ_API_KEY>'
"""

import base64
import functools
import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

SECRET_NAME = re.compile(
    r"(?:^|[_\W])(?:API)?(?:KEYS?|TOKENS?|SECRETS?|PAT|PASS|PASSWD|PASSWORD|PASSPHRASE|PWD|CREDENTIALS?|AUTH)"
    r"(?:[_\W\d]|$)",
    re.IGNORECASE,
)
SECRET_SHAPE = re.compile(
    r"(?:gh[pousr]_|github_pat_|glpat-|sk-|xox[abpr]-|hf_|pypi-|AKIA|ASIA)[\w-]{16,}"
    r"|eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+|-----BEGIN [A-Z ]*PRIVATE KEY-----",
)
NOT_SECRET = {"PWD", "OLDPWD"}  # the shell's working directories
SHORTEST, SHORTEST_LINE = 8, 16  # a shorter value, or line of one, could be an ordinary word


def secrets_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that hold a secret, by their names; of an address with a password the password alone."""
    found = {}
    for name, text in environment.items():
        value = text.strip()
        if password := _password(value):
            value = password
        elif not SECRET_SHAPE.match(value) and (name in NOT_SECRET or not SECRET_NAME.search(name) or _is_file(value)):
            continue
        if _is_telling(value):
            found[name] = value
    return found


def _password(value: str) -> str | None:
    """The password in an address such as https://user:password@host, or a token in the user's place."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    if not (parts.scheme and parts.netloc and "@" in parts.netloc):
        return None
    return unquote(parts.password or parts.username or "") or None


def _is_file(value: str) -> bool:
    """Whether a value is only the path of the file that holds the secret."""
    try:
        return value.startswith(("/", "~", "./")) and Path(value).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False


def _is_telling(value: str) -> bool:
    """Whether a value cannot be mistaken for an ordinary word or number."""
    return len(value) >= 12 or (len(value) >= SHORTEST and not value.isalpha() and not value.isdigit())


@functools.cache
def forms(value: str) -> tuple[str, ...]:
    """The texts in which a value can stand in an output or a file, longest first."""
    lines = [line.strip() for line in value.splitlines() if len(line.strip()) >= SHORTEST_LINE]
    found = {form for text in [value, *lines] for form in _encoded(text)}
    return tuple(sorted(found, key=len, reverse=True))


def _encoded(text: str) -> Iterator[str]:
    yield from (text, quote(text, safe=""), quote(text), quote_plus(text), html.escape(text), repr(text)[1:-1])
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    content = text.encode("utf-8", "surrogateescape")
    for before in range(3):  # where the value starts within the groups of three bytes that base64 makes four letters of
        first, last = -(-before * 4 // 3), (before + len(content)) * 4 // 3  # letters that no other byte takes part in
        letters = base64.b64encode(bytes(before) + content).decode()[first:last]
        yield from (letters, letters.replace("+", "-").replace("/", "_"))


def find_secret(text: str, secrets: Mapping[str, str]) -> str | None:
    """Name of a variable whose value occurs in the text, in one form or another, or None."""
    return next((name for name, value in secrets.items() if any(form in text for form in forms(value))), None)


def redact(text: str, secrets: Mapping[str, str]) -> str:
    """The text with every secret replaced by the name of its variable."""
    for name, value in secrets.items():
        for form in forms(value):
            text = text.replace(form, f"<{name}>")
    return text
