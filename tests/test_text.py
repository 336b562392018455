"""Text of callers: no characters that nobody sees."""

import pytest

from tessera import text

UNSEEN = ["\0", "\x07", "\x1b[31m", "\x7f", "\x85"]


@pytest.mark.parametrize("sent", ["Ana", "", "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "a b"])
def test_a_line_comes_back_as_it_was(sent: str) -> None:
    assert text.line(sent) == sent
    assert text.paragraphs(sent) == sent


@pytest.mark.parametrize("sent", UNSEEN)
def test_control_characters_are_refused(sent: str) -> None:
    for read in (text.line, text.paragraphs):
        with pytest.raises(ValueError, match="control characters"):
            read(f"a{sent}b")


def test_half_a_character_is_refused() -> None:
    for read in (text.line, text.paragraphs):
        with pytest.raises(ValueError, match="control characters"):
            read("a\ud83d")


@pytest.mark.parametrize("sent", ["a\nb", "a\r\nb", "a\tb", "a\u2028b", "a\u2029b"])
def test_only_paragraphs_have_breaks(sent: str) -> None:
    assert text.paragraphs(sent) == sent
    with pytest.raises(ValueError, match="line breaks"):
        text.line(sent)
