#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""HTTPS servers and HTTP over IPv6, as drwatch's http, blackbox_exporter's http prober and check_http see them.

    DRWATCH=build/dev/drwatch tests/compared/https.py [-v]
"""
import os
import ssl
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from compared import TIMEOUT, Compared, Row  # noqa: E402
from servers import Authority, Server, context, noise, reset, stall, until_closed  # noqa: E402
from skipped import has_loopback6  # noqa: E402

NAME = "localhost"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
DATE_ONLY = "check_http verifies no chain and no name."


def page(answer, asked=b"\r\n\r\n"):
    def behave(peer):
        heard = b""
        while asked not in heard:
            part = peer.recv(4096)
            if not part:
                return
            heard += part
        peer.sendall(answer)
    return behave


def secured(made, then, unwrap=True):
    """`then` behind a handshake; without `unwrap` the connection ends without TLS's good-bye, as many servers end it."""
    def behave(peer):
        # Who closes with something unread resets, and the alert that says why may be lost on the way.
        with peer.dup() as kept:
            try:
                with made.wrap_socket(peer, server_side=True) as inside:
                    then(inside)
                    if unwrap:
                        inside.unwrap()
            except ssl.SSLError:
                until_closed(kept)
    return behave


class Table:
    def __init__(self):
        self.rows, self.servers = [], []
        self.root, self.stranger = Authority("root"), Authority("stranger")

    def add(self, name, behave, says, blackbox, checked="", why="", more="", http=None, tls_config=None, host="127.0.0.1", named=NAME, scheme="https"):
        server = Server(behave, host)
        self.servers.append(server)
        url = f"{scheme}://{named}:{server.port}/"
        config = {"ca_file": self.root.certificate, **(tls_config or {})}
        module = {"prober": "http", "http": {"preferred_ip_protocol": "ip4", "tls_config": config, **(http or {})}}
        plugin = ["check_http", "-H", named.strip("[]"), "-I", host, "-p", str(server.port), "-t", str(TIMEOUT), "-f", "follow"]
        plugin += ["-S"] if scheme == "https" else []
        tls = f'tls = {{ ca = "{self.root.certificate}" }}\n' if scheme == "https" and "tls =" not in more else ""
        self.rows.append(Row(name, f'kind = "http"\ntarget = "{url}"\n{tls}{more}', says, module, url, blackbox, plugin if checked else [], checked, why))
        return server

    def shown(self, names="DNS:localhost,IP:127.0.0.1", days=(-1, 90), by=None, **how):
        return (by or self.root).issue(f"leaf {len(self.rows)}", names, days, **how)

    def certificates(self):
        add, shown, good = self.add, self.shown, page(OK)
        add("good", secured(context(shown()), good), "up 200", "up", "up")
        add("expired", secured(context(shown(days=(-90, -2))), good), "down tls CERT_HAS_EXPIRED", "down", "up", DATE_ONLY)
        add("not-yet-valid", secured(context(shown(days=(2, 90))), good), "down tls CERT_NOT_YET_VALID", "down", "up", DATE_ONLY)
        add("wrong-name", secured(context(shown("DNS:www.example.org")), good), "down tls HOSTNAME_MISMATCH", "down", "up", DATE_ONLY)
        add("wrong-address", secured(context(shown("IP:192.0.2.1")), good), "down tls IP_ADDRESS_MISMATCH", "down", named="127.0.0.1")
        add("by-address", secured(context(shown()), good), "up 200", "up", named="127.0.0.1")
        add("self-signed", secured(context(shown(itself=True)), good), "down tls DEPTH_ZERO_SELF_SIGNED_CERT", "down", "up", DATE_ONLY)
        add("unknown-authority", secured(context(shown(by=self.stranger)), good), "down tls UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "down", "up", DATE_ONLY)
        add("not-verified", secured(context(shown(by=self.stranger)), good), "up 200", "up", "up", more="tls = { verify = false }",
            tls_config={"insecure_skip_verify": True})
        old = ssl.TLSVersion.TLSv1
        add("tls-1-0-only", secured(context(shown(), newest=old, oldest=old, weak=True), good), "down tls PROTOCOL_VERSION", "down", "down")
        wanting = context(shown(), client_ca=self.root.certificate)
        add("client-certificate-wanted", secured(wanting, good), "down tls CERTIFICATE_REQUIRED", "down", "down")
        mine = self.shown("")
        add("client-certificate-given", secured(wanting, good), "up 200", "up",
            more=f'tls = {{ ca = "{self.root.certificate}", certificate = "{mine[0]}", key = "{mine[1]}" }}',
            tls_config={"cert_file": mine[0], "key_file": mine[1]})

    def connections(self):
        add, made = self.add, context(self.shown())
        add("plain-where-tls-is", page(OK, b"\x03\x03"), "down tls NOT_TLS", "down", "down")
        add("tls-where-plain-is", page(b"\x15\x03\x01\x00\x02\x02\x46"), "down protocol", "down", "down", scheme="http")
        add("noise", noise, "down tls NOT_TLS", "down", "down")
        add("silence", stall, "down timeout", "down", "down")
        add("resets", reset, "down tls ECONNRESET", "down", "down")
        add("ends-without-good-bye", secured(made, page(OK), unwrap=False), "up 200", "up", "up")
        until_end = page(b"HTTP/1.0 200 OK\r\n\r\nok")
        add("until-the-end", secured(made, until_end), "up 200", "up", "up")
        add("until-the-end-without-good-bye", secured(made, until_end, unwrap=False), "up 200", "up", "up")
        add("cut-in-the-body", secured(made, page(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"), unwrap=False), "down protocol", "down", "up",
            "check_http takes what came for all of it.")
        plain = self.add("redirect-to-plain-target", page(OK), "up 200", "up", "up", scheme="http")
        there = f"HTTP/1.1 302 Found\r\nLocation: http://localhost:{plain.port}/\r\nContent-Length: 0\r\n\r\n".encode()
        add("redirect-to-plain", secured(made, page(there)), "up 200", "up")
        add("redirect-to-plain-where-only-tls-is-good", secured(made, page(there)), "up 200", "down", http={"fail_if_not_ssl": True},
            why="blackbox_exporter was told to fail without TLS at the end; drwatch has no such key and shows where it was led (redirected_to).")

    def six(self):
        if not has_loopback6("compared_https over IPv6"):
            return
        add, good = self.add, page(OK)
        six = {"preferred_ip_protocol": "ip6", "ip_protocol_fallback": False}
        add("ipv6-only", good, "up 200", "up", "up", scheme="http", host="::1", named="[::1]", http=six)
        add("ipv6-only-tls", secured(context(self.shown("IP:0:0:0:0:0:0:0:1")), good), "up 200", "up", host="::1", named="[::1]", http=six)
        add("ipv6-only-asked-for-four", good, "down dns NODATA", "down", scheme="http", host="::1", named="[::1]", more='family = "v4"',
            http={"ip_protocol_fallback": False})
        add("ipv6-only-by-name-all", good, "down connect ECONNREFUSED", "down", scheme="http", host="::1", more='addresses = "all"')


class HttpsCompared(Compared, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        table = Table()
        for authority in (table.root, table.stranger):
            cls.addClassCleanup(authority.home.cleanup)
        table.certificates()
        table.connections()
        table.six()
        cls.rows = table.rows
        for server in table.servers:
            cls.addClassCleanup(server.close)
        super().setUpClass()


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # old versions of TLS are what is wanted here
