"""Keys come from the environment and must not be stored: what to look for, and looking.

>>> secrets_in({"IONQ_API_KEY": "0123-4567-89ab", "HOME": "/root"})
{'IONQ_API_KEY': '0123-4567-89ab'}
>>> find_secret("header: 0123-4567-89ab", {"IONQ_API_KEY": "0123-4567-89ab"})
'IONQ_API_KEY'
"""

import re
from collections.abc import Mapping

SECRET_NAME = re.compile(r"(API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
SHORTEST = 12  # a shorter value could be an ordinary word


def secrets_in(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that hold a key, by their names."""
    found = {name: value.strip() for name, value in environment.items() if SECRET_NAME.search(name)}
    return {name: value for name, value in found.items() if len(value) >= SHORTEST}


def find_secret(text: str, secrets: Mapping[str, str]) -> str | None:
    """Name of a variable whose value occurs in the text, or None."""
    return next((name for name, value in secrets.items() if value in text), None)


def redact(text: str, secrets: Mapping[str, str]) -> str:
    """The text with every key replaced by the name of its variable."""
    for name, value in secrets.items():
        text = text.replace(value, f"<{name}>")
    return text
