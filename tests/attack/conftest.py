# SPDX-License-Identifier: EUPL-1.2
"""The attack tests see what anybody sees who may read all that is told, and know what they sent."""
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "integration")]
