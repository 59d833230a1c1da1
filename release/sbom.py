#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The software bill of materials: sbom.py PROGRAM OUT. SPDX 2.3 as JSON: drwatch, every shared library that the program loads, and the libraries that
are compiled into it because they are nothing but headers; each as the Debian package that it came from. The image's has every package of the image.
A license is named where the package's copyright file says it in a form that a machine reads, and in words that SPDX knows; otherwise NOASSERTION,
which promises nothing."""
import datetime
import hashlib
import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True
import parts  # noqa: E402

# Nothing of these is loaded at run time: they are in the program. tests/release/sbom.py holds this list to debian/control.
HEADERS = ("libboost1.81-dev", "libcli11-dev", "libkainjow-mustache-dev", "nlohmann-json3-dev")
# Debian's word for a license: SPDX's.
LICENSES = {"expat": "MIT", "mit": "MIT", "apache-2.0": "Apache-2.0", "bsd-2-clause": "BSD-2-Clause", "bsd-3-clause": "BSD-3-Clause", "bsl-1.0": "BSL-1.0",
            "postgresql": "PostgreSQL", "zlib": "Zlib", "isc": "ISC", "openldap-2.8": "OLDAP-2.8", "0bsd": "0BSD",
            **{f"{kind}-{number}{plus}": f"{kind.upper()}-{number if '.' in number else number + '.0'}-{'or-later' if plus else 'only'}"
               for kind in ("gpl", "lgpl") for number in ("2", "2.0", "2.1", "3", "3.0") for plus in ("", "+")}}
# What a source has beside the library.
BESIDE = re.compile(r"(\./)?(debian|tests?|testsuite|docs?|examples?|fuzz|bench\w*|contrib|po|m4|build-aux|config|cmake|tools|scripts)/|[^/]*"
                    r"(configure|aclocal\.m4|install-sh|ltmain\.sh|Makefile\.in|INSTALL)$")
NONE = "NOASSERTION"


def terms_of(package, root):
    """The SPDX expression for what the copyright file says of all of the source but what no library is made of, and every name of a license in it.
    Where parts are under several licenses nobody can tell from it which of them are in the library."""
    file = root / f"usr/share/doc/{package}/copyright"
    text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
    if not re.match(r"Format: https?://www\.debian\.org/doc/packaging-manuals/copyright-format/", text):
        return NONE, []
    said, all_said = set(), set()
    for paragraph in re.split(r"\n\s*\n", text):
        files, terms = re.search(r"^Files:((?:.*\n)(?:[ \t]+.*\n)*)", paragraph + "\n", re.M), re.search(r"^License:[ \t]*(.*)$", paragraph, re.M)
        if files and terms:
            all_said.add(terms[1].strip())
            if not all(BESIDE.match(file) for file in files[1].split()):
                said.add(terms[1].strip().lower())
    words = re.split(r"\s+(and|or)\s+", said.pop()) if len(said) == 1 else [NONE]
    # Of both "and" and "or" nobody can tell which binds closer.
    if any(name not in LICENSES for name in words[::2]) or len(set(words[1::2])) > 1:
        return NONE, sorted(all_said - {""})
    return f" {words[1].upper() if len(words) > 1 else ''} ".join(LICENSES[name] for name in words[::2]), sorted(all_said - {""})


def known_to_dpkg(root, *names):
    """{package: version, source, the source's version, architecture, homepage}, as they are installed in a root; all of them where none is named."""
    rows = "\t".join(f"${{{field}}}" for field in ("Package", "Version", "source:Package", "source:Version", "Architecture", "Homepage")) + "\n"
    said = parts.run("dpkg-query", f"--admindir={root / 'var/lib/dpkg'}", "-W", "-f", rows, *names)
    return {name: rest for name, *rest in (line.split("\t") for line in said.splitlines())}


def entry(package, known, root, comment):
    """A Debian package as SPDX has it."""
    number, source, source_number, machine, home = known
    suite = re.search(r'^VERSION_ID="?([\d.]+)', (root / "etc/os-release").read_text(encoding="utf-8"), re.M)[1]
    # Of the characters in a version, "+" and ":" mean something else in a URL; purl has them escaped.
    purl = f"pkg:deb/debian/{package.replace('+', '%2B')}@{number.replace('+', '%2B').replace(':', '%3A')}?arch={machine}&distro=debian-{suite}"
    declared, named = terms_of(package, root)
    made = {"name": package, "SPDXID": spdx_id(package), "versionInfo": number, "supplier": "Organization: Debian", "downloadLocation": NONE,
            "filesAnalyzed": False, "licenseConcluded": NONE, "licenseDeclared": declared, "copyrightText": NONE, "comment": comment,
            "licenseComments": "its copyright file, in Debian's words: " + (", ".join(named) if named else "only as prose"),
            "sourceInfo": f"built from the Debian source package {source} {source_number}; its terms: /usr/share/doc/{package}/copyright",
            "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]}
    return {**made, "homepage": home} if home else made


def spdx_id(name):
    return "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-plus" if "+" in name else "-", name)


def document(program, image=None):
    """What the program is made of; of an image, given as its root, everything that is in it."""
    root = image or pathlib.Path("/")
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    name = f"drwatch{'-image' if image else ''}-{parts.version()}"
    loaded = sorted(set(parts.packages(set(parts.libraries(program).values())).values()))
    own = {"name": "drwatch", "SPDXID": spdx_id("drwatch"), "versionInfo": parts.version(), "supplier": "Organization: drwatch maintainers",
           "downloadLocation": NONE, "filesAnalyzed": False, "licenseConcluded": "Apache-2.0", "licenseDeclared": "Apache-2.0",
           "copyrightText": "2026 the drwatch authors", "primaryPackagePurpose": "APPLICATION", "packageFileName": "drwatch",
           "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
           "comment": "The checksum is that of the program as it was packaged; " + parts.run(program, "--version").strip()}
    packages, related = [own], [("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]

    def add(package, known, where, relation, comment):
        packages.append(entry(package, known, where, comment))
        related.append((own["SPDXID"], *relation, spdx_id(package)) if relation else ("SPDXRef-DOCUMENT", "DESCRIBES", spdx_id(package)))

    installed, headers = known_to_dpkg(root, *([] if image else loaded)), known_to_dpkg(pathlib.Path("/"), *HEADERS)
    for package in loaded:
        carried = "" if image else ", always the machine's own" if package == parts.C_LIBRARY else "; in the tarball, a copy of it"
        add(package, installed[package], root, ("DYNAMIC_LINK",), "loaded at run time" + carried)
    for package in HEADERS:
        add(package, headers[package], pathlib.Path("/"), ("STATIC_LINK",), "headers alone, compiled into the program")
    for package in sorted(installed.keys() - set(loaded)):
        add(package, installed[package], root, (), "in the image, beside the program")
    # A namespace is never used for two documents: it has the digest of what the document says.
    said = hashlib.sha256(json.dumps([packages, related]).encode()).hexdigest()
    return {"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": name,
            "documentNamespace": f"https://drwatch.example.org/spdx/{name}-{said}",
            "creationInfo": {"created": datetime.datetime.fromtimestamp(parts.epoch(), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                             "creators": [f"Tool: drwatch-sbom-{parts.version()}", "Organization: drwatch maintainers"]},
            "packages": packages,
            "relationships": [{"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other} for one, kind, other in related]}


def write(program, out, image=None):
    out.write_text(json.dumps(document(program, image), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]))
