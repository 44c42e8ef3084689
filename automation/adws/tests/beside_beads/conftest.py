"""Real bd programs by version; a test that asks for one is skipped where it cannot be had."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from adws.tests.beside_beads.trackers import RealBd, unpacked_bd


@pytest.fixture
def real_bd(tmp_path: Path) -> Callable[[str], RealBd]:
    def get(version: str) -> RealBd:
        program = unpacked_bd(version) if platform.system() == "Linux" else None
        if program is None or platform.machine() != "x86_64":
            pytest.skip(f"needs bd {version} for Linux on x86-64 from ../shared/tools/beads")
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return RealBd(program, home)

    return get
