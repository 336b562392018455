"""Nothing in the tree looks like a live credential."""

import re
import subprocess

import pytest

from tests.infra.synthesis import ROOT

_LIVE = {
    "AWS access key": r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
    "AWS secret key": r"(?i)aws_secret_access_key\W{1,4}[A-Za-z0-9/+=]{40}\b",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_\w{40,}",
    "Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{20,}",
    "JSON web token": r"\beyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20,}",
    "Salesforce session": r"\b00D[A-Za-z0-9]{12,15}![A-Za-z0-9._]{40,}",
    "Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "credentials in an address": r"https?://[^/\s:@'\"{}<>]+:[^/\s:@'\"{}<>]{8,}@",
}
"""What scanners know by its form. Keys of tests are short, split, or made while they run."""


@pytest.mark.parametrize("what", _LIVE)
def test_no_live_credential_is_in_the_tree(what: str) -> None:
    pattern = re.compile(_LIVE[what])

    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        for name, text in _texts()
        for match in pattern.finditer(text)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("what", "example"),
    [
        ("AWS access key", "AKIA" + "Q" * 16),
        ("private key", "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "M" * 64),
        ("GitHub token", "ghp_" + "a1" * 18),
        ("JSON web token", "eyJ" + "h" * 30 + ".eyJ" + "p" * 30 + "." + "s" * 43),
        ("credentials in an address", "https://ann:" + "long-password@example.com/"),
    ],
    ids=lambda value: value.partition(" ")[0] if " " in value else "example",
)
def test_one_that_were_there_would_be_found(what: str, example: str) -> None:
    assert re.search(_LIVE[what], example)


def _texts() -> list[tuple[str, str]]:
    """Every file that git knows, those not committed yet included."""
    named = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / name for name in named.stdout.splitlines()]
    return [
        (str(file.relative_to(ROOT)), file.read_text(encoding="utf-8", errors="replace"))
        for file in files
        if file.is_file() and file.stat().st_size < 2_000_000
    ]
