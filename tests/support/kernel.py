# SPDX-License-Identifier: EUPL-1.2
"""What the kernel here can do."""
import ctypes

LANDLOCK_CREATE_RULESET, VERSION = 444, 1


def has_landlock():
    """Whether it can limit files to the extent that is used (landlock_create_ruleset(2), asked for its version)."""
    return ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, VERSION) >= 2
