#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A mail server that keeps what it is sent: mail_server.py PORT FOLDER CERTIFICATE KEY USER PASSWORD. Mail is taken over STARTTLS alone, from that user.
Debian's Python, whatever else stands first in PATH: it has Debian's aiosmtpd."""
import pathlib
import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Keeping:
    def __init__(self, folder):
        self.folder, self.count = pathlib.Path(folder), 0

    async def handle_DATA(self, _server, _session, envelope):
        self.count += 1
        # Whoever looks sees a whole letter or none.
        made = self.folder / f"{self.count}.part"
        made.write_bytes(envelope.content)
        made.rename(self.folder / f"{self.count}.eml")
        return "250 kept"


def main():
    port, folder, certificate, key, user, password = sys.argv[1:]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)

    def knows(_server, _session, _envelope, _mechanism, given):
        return AuthResult(success=(given.login, given.password) == (user.encode(), password.encode()))

    # Without LOGIN: it asks for the user in other words than Alertmanager's client expects.
    controller = Controller(Keeping(folder), hostname="127.0.0.1", port=int(port), tls_context=tls, require_starttls=True, auth_required=True,
                            authenticator=knows, auth_exclude_mechanism=["LOGIN"])
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    controller.start()
    signal.sigwait([signal.SIGTERM])
    controller.stop()


if __name__ == "__main__":
    main()
