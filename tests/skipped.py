# SPDX-License-Identifier: Apache-2.0
"""What tests/skipped.hpp says, for tests in Python."""
import errno
import os
import socket


def skip_here(name, reason):
    """Says that `name` is not tested here; with DRWATCH_NO_SKIPS=1 that is a failure."""
    if os.environ.get("DRWATCH_NO_SKIPS") == "1":
        raise AssertionError(f"nothing may be skipped here (DRWATCH_NO_SKIPS=1): {name}: {reason}")
    print(f"SKIPPED {name}: {reason}", flush=True)


def has_loopback6(name):
    """Whether there is an ::1, which many containers go without; otherwise `name` is skipped."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
            return True
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
    skip_here(name, "there is no ::1 here: EADDRNOTAVAIL")
    return False
