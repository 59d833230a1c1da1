#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS servers, good and bad, as drwatch's tls, blackbox_exporter's tcp prober and check_tcp see them.

    DRWATCH=build/dev/drwatch tests/compared/tls.py [-v]
"""
import os
import ssl
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from compared import TIMEOUT, Compared, Row  # noqa: E402
from servers import Authority, Server, close_at_once, close_when_spoken_to, context, drip, flood, noise, reset, say, stall, tls  # noqa: E402
from skipped import has_loopback6  # noqa: E402


NAME = "api.example.org"
NAMES = "DNS:" + NAME
DATE_ONLY = "check_tcp verifies neither chain nor name: it looks at the date alone."
LATE = ("In TLS 1.3 a server refuses a client after the client's handshake is over. drwatch waits for that when the server asked for a "
        "certificate; the others have gone by then.")
UNSEEN = ("That nobody shows a certificate is not the certificate's fault: drwatch leaves the reaching to a probe of that, and calls only what "
          "it saw.")
LOOKS = "A handshake is all that blackbox_exporter and check_tcp judge; pins are drwatch's own."


def smtp(offer, then):
    def before(peer):
        peer.sendall(b"220 mail ESMTP\r\n")
        peer.recv(1000)
        peer.sendall(offer)
        peer.recv(1000)
        peer.sendall(then)
    return before


def mail(server, authority):
    script = [{"expect": "^220 "}, {"send": "EHLO prober\r"}, {"expect": "^250[ -]STARTTLS"}, {"send": "STARTTLS\r"}, {"expect": "^220 "},
              {"starttls": True}]
    return {"prober": "tcp", "tcp": {"query_response": script, "tls_config": {"ca_file": authority.certificate, "server_name": NAME}}}


class Table:
    def __init__(self):
        self.rows, self.servers = [], []
        self.root, self.stranger = Authority("root"), Authority("stranger")

    def add(self, name, behave, says, blackbox, checked, why="", more="", tls_config=None, host="127.0.0.1", **row):
        server = Server(behave, host)
        self.servers.append(server)
        config = {"ca_file": self.root.certificate, "server_name": NAME, **(tls_config or {})}
        argv = ["check_tcp", "-H", host, "-p", str(server.port), "-S", "-D", "21,0", "-t", str(TIMEOUT)]
        made = dict(module={"prober": "tcp", "tcp": {"tls": True, "tls_config": config}}, target=server.address, blackbox=blackbox, plugin=argv,
                    plugin_says=checked)
        made.update(row)
        keys = f'kind = "tls"\ntarget = "{server.address}"\nserver_name = "{NAME}"\nca = "{self.root.certificate}"\n{more}'
        self.rows.append(Row(name, keys, says, why=why, **made))

    def shown(self, names=NAMES, days=(-1, 90), by=None, subject="leaf", **how):
        return (by or self.root).issue(f"{subject} {len(self.rows)}", names, days, **how)

    def certificates(self):
        root, shown, add = self.root, self.shown, self.add
        good = shown()
        add("good", tls(context(good)), "up", "up", "up")
        add("expired", tls(context(shown(days=(-90, -2)))), "down tls CERT_HAS_EXPIRED", "down", "down")
        add("not-yet-valid", tls(context(shown(days=(2, 90)))), "down tls CERT_NOT_YET_VALID", "down", "up", DATE_ONLY)
        add("ends-soon", tls(context(shown(days=(-80, 5)))), "degraded tls EXPIRES_SOON", "up", "degraded",
            "blackbox_exporter exports the date (probe_ssl_earliest_cert_expiry) and leaves the judgement to an alert rule.")
        add("wrong-name", tls(context(shown("DNS:www.example.org"))), "down tls HOSTNAME_MISMATCH", "down", "up", DATE_ONLY)
        add("wildcard", tls(context(shown("DNS:*.example.org"))), "up", "up", "up")
        add("wildcard-too-wide", tls(context(shown("DNS:*.org"))), "down tls HOSTNAME_MISMATCH", "down", "up", DATE_ONLY)
        add("name-as-subject-only", tls(context(root.issue(NAME, "", (-1, 90)))), "down tls HOSTNAME_MISMATCH", "down", "up", DATE_ONLY)
        add("self-signed", tls(context(shown(itself=True))), "down tls DEPTH_ZERO_SELF_SIGNED_CERT", "down", "up", DATE_ONLY)
        stranger = self.stranger
        add("unknown-authority", tls(context(shown(by=stranger))), "down tls UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "down", "up", DATE_ONLY)
        add("unknown-authority-not-verified", tls(context(shown(by=stranger))), "up", "up", "up", more="verify = false",
            tls_config={"insecure_skip_verify": True})
        middle = Authority("middle", root)
        below = shown(by=middle)
        add("whole-chain", tls(context(below, [middle.certificate])), "up", "up", "up")
        add("incomplete-chain", tls(context(below)), "down tls UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "down", "up", DATE_ONLY)
        gone = Authority("gone", root, (-90, -2))
        add("expired-above", tls(context(shown(by=gone), [gone.certificate])), "down tls CERT_HAS_EXPIRED", "down", "up",
            "check_tcp looks at the date of the server's own certificate alone.")
        add("small-key", tls(context(shown(key="rsa:1024"), weak=True)), "down tls EE_KEY_TOO_SMALL", "up", "up",
            "Debian's OpenSSL asks for 112 bits of security, as most clients do; Go's verification takes RSA keys of 1024 bits. " + DATE_ONLY)
        add("weak-signature", tls(context(shown(md="sha1"), weak=True)), "down tls CA_MD_TOO_WEAK", "down", "up", DATE_ONLY)
        add("another-key", tls(context(good)), "down assertion pin", "up", "up", LOOKS, more=f'pins = ["sha256/{"A" * 43}="]')
        add("another-issuer", tls(context(good)), "down assertion issuer", "up", "up", LOOKS, more='issuers = ["middle"]')

    def handshakes(self):
        root, add, good = self.root, self.add, self.shown()
        old, new = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        ancient = context(good, newest=ssl.TLSVersion.TLSv1, oldest=ssl.TLSVersion.TLSv1, weak=True)
        add("tls-1-0-only", tls(ancient), "down tls PROTOCOL_VERSION", "down", "down")
        add("tls-1-2-only", tls(context(good, newest=old)), "up", "up", "up")
        add("tls-1-3-wanted", tls(context(good, newest=old)), "down tls PROTOCOL_VERSION", "down", "up",
            "check_tcp was not asked to: it has an option for HTTP's check only.", more='min_version = "1.3"', tls_config={"min_version": "TLS13"})
        client = self.shown("")
        mine = f'certificate = "{client[0]}"\nkey = "{client[1]}"'
        theirs = {"cert_file": client[0], "key_file": client[1]}
        for version, name in ((old, "1-2"), (new, "1-3")):
            wanting = tls(context(good, client_ca=root.certificate, newest=version, oldest=version))
            add(f"client-certificate-given-{name}", wanting, "up", "up", "down" if version == old else "up",
                "check_tcp was given no client certificate." if version == old else "", more=mine, tls_config=theirs)
        add("client-certificate-wanted-1-2", tls(context(good, client_ca=root.certificate, newest=old)), "down tls HANDSHAKE_FAILURE", "down",
            "down")
        add("client-certificate-wanted-1-3", tls(context(good, client_ca=root.certificate)), "down tls CERTIFICATE_REQUIRED", "up", "up", LATE)

    def unkind(self):
        add, good = self.add, context(self.shown())
        add("stalls-at-handshake", stall, "unknown timeout", "down", "down", UNSEEN)
        add("random-bytes", noise, "down tls NOT_TLS", "down", "down")
        add("speaks-http", say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "down tls NOT_TLS", "down", "down")
        add("closes", close_when_spoken_to, "unknown tls CLOSED", "down", "down", UNSEEN)
        add("resets", reset, "unknown tls ECONNRESET", "down", "down", UNSEEN)
        add("floods", flood, "down tls NOT_TLS", "down", "down")
        add("drips-a-handshake", drip(b"\x16\x03\x03\x40\x00"), "unknown timeout", "down", "down", UNSEEN)
        if has_loopback6("compared_tls over IPv6"):
            add("ipv6-only", tls(good), "up", "up", "up", host="::1")
        add("nobody-listens", close_at_once, "unknown connect ECONNREFUSED", "down", "down", UNSEEN)
        self.servers.pop().close()

    def mail(self):
        good = context(self.shown())
        expired = context(self.shown(days=(-90, -2)))
        offer = b"250-mail\r\n250 STARTTLS\r\n"
        for name, shown, offers, then, says, blackbox in (
                ("starttls", good, offer, b"220 go\r\n", "up", "up"),
                ("starttls-expired", expired, offer, b"220 go\r\n", "down tls CERT_HAS_EXPIRED", "down"),
                ("starttls-not-offered", good, b"250 mail\r\n", b"", "down tls NO_TLS", "down"),
                ("starttls-refused", good, offer, b"454 not now\r\n", "unknown protocol 454", "down")):
            self.add(name, tls(shown, smtp(offers, then)), says, blackbox, "", UNSEEN if says.startswith("unknown") else "", more='starttls = "smtp"', plugin=[],
                     module=mail(None, self.root))
        self.add("starttls-stalls", stall, "unknown timeout", "down", "", UNSEEN, more='starttls = "smtp"', plugin=[], module=mail(None, self.root))


class TlsCompared(Compared, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        table = Table()
        for authority in (table.root, table.stranger):
            cls.addClassCleanup(authority.home.cleanup)
        table.certificates()
        table.handshakes()
        table.unkind()
        table.mail()
        cls.rows = table.rows
        for server in table.servers:
            cls.addClassCleanup(server.close)
        super().setUpClass()


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # old versions of TLS are what is wanted here
