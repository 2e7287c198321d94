"""The Python of docs/guides/local-cloud.md runs as it is written, in order."""

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "local-cloud.md"


def test_the_guide_runs(capsys: pytest.CaptureFixture[str]):
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    shared: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), shared)  # noqa: S102 - our own guide
    assert len(blocks) >= 3
    assert "http://127.0.0.1:" in capsys.readouterr().out
    assert shared["fault"].struck == 0
