# SPDX-License-Identifier: EUPL-1.2
"""What the privacy tests share: the support modules."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
