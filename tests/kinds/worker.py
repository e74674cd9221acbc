"""A worker that knows the kinds."""

from __future__ import annotations

import pytest

from quantbench.harness.worker import main
from tests.kinds.register import register

if __name__ == "__main__":
    register(pytest.MonkeyPatch())
    main()
