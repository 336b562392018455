"""The stylesheet and the script: small, named by their content, and kept for a year."""

import base64
import gzip
from pathlib import Path
from typing import Any

import pytest

from infra.constructs import assets
from tests import handlers

SOURCE = handlers.ROOT / "functions" / "pages" / "assets"


@pytest.mark.parametrize(
    ("asset", "most"), [(assets.STYLESHEET, 13 * 1024), (assets.SCRIPT, 4 * 1024)]
)
def test_what_we_add_to_the_libraries_stays_small(asset: assets.Asset, most: int) -> None:
    assert len(assets.own_text(asset, SOURCE).encode()) <= most


def test_a_name_changes_with_the_content(tmp_path: Path) -> None:
    for file in SOURCE.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    before = assets.name_of(assets.STYLESHEET, tmp_path)
    (tmp_path / "styles.css").write_text("a { color: red }")

    assert assets.name_of(assets.STYLESHEET, SOURCE) == before
    assert assets.name_of(assets.STYLESHEET, tmp_path) != before


def test_every_package_is_pinned_by_its_hash_and_names_no_address() -> None:
    lock = (SOURCE / "package-lock.json").read_text()

    assert lock.count('"integrity": "sha512-') == 2
    assert "://" not in lock


@pytest.fixture
def served(tmp_path: Path) -> Any:
    module = handlers.loaded("pages/assets")
    (tmp_path / "tessera-1.css.gz").write_bytes(gzip.compress(b"a{}"))
    module.built = type(module.built)(tmp_path)
    return module.handler


def _ask(handler: Any, name: str, encoding: str) -> dict[str, Any]:
    path = f"/assets/{name}"
    event = {
        "version": "2.0",
        "routeKey": "GET /assets/{name}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"accept-encoding": encoding},
        "requestContext": {
            "http": {"method": "GET", "path": path},
            "requestId": "1",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    answer: dict[str, Any] = handler(event, None)
    return answer


def test_a_file_is_sent_compressed_and_kept_for_a_year(served: Any) -> None:
    answer = _ask(served, "tessera-1.css", "gzip, br")

    assert answer["statusCode"] == 200
    assert gzip.decompress(base64.b64decode(answer["body"])) == b"a{}"
    assert answer["headers"]["Content-Encoding"] == "gzip"
    assert answer["headers"]["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["headers"]["Content-Type"].startswith("text/css")


def test_who_cannot_read_gzip_gets_it_plain(served: Any) -> None:
    answer = _ask(served, "tessera-1.css", "identity")

    assert base64.b64decode(answer["body"]) == b"a{}"
    assert "Content-Encoding" not in answer["headers"]


def test_another_name_is_not_found(served: Any) -> None:
    assert _ask(served, "..%2fhandler.py", "gzip")["statusCode"] == 404
