"""The demo's screen: whatever goes wrong in a step is told as that step."""

import pytest

from demo.screen import NotSeen, Screen


def test_a_step_that_raises_is_not_seen_and_says_what_it_raised(capsys: pytest.CaptureFixture[str]):
    screen = Screen(colour=False)
    with pytest.raises(NotSeen, match="Mail in the inbox: KeyError: 'to'"), screen.step("Mail in the inbox"):
        raise KeyError("to")
    assert capsys.readouterr().out.startswith("✗ Mail in the inbox")


def test_a_step_that_was_seen_shows_its_details(capsys: pytest.CaptureFixture[str]):
    screen = Screen(colour=False)
    with screen.step("Mail in the inbox") as details:
        details.append("ada@example.com: Hello")
    title, detail = capsys.readouterr().out.splitlines()
    assert title.startswith("✓ Mail in the inbox")
    assert detail.strip() == "ada@example.com: Hello"
