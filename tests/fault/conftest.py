# SPDX-License-Identifier: EUPL-1.2
"""The support modules of all tests."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
