#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The software bill of materials: sbom.py PROGRAM. It has what SPDX 2.3 demands of a document (its JSON schema's required fields, and the rules of the
specification that concern what we write), names every library that the loader finds and every library of debian/control, as dpkg has them, and each
of these checks can fail."""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "release"))
sys.dont_write_bytecode = True
import parts  # noqa: E402
import sbom  # noqa: E402

IDENTIFIER = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")
TERMS = re.compile(r"NOASSERTION|NONE|[A-Za-z0-9.-]+(?: (?:AND|OR) [A-Za-z0-9.-]+)*")
RELATIONS = {"DESCRIBES", "DYNAMIC_LINK", "STATIC_LINK"}
# Of Build-Depends, what is a tool, or in no program: the tests' library, and what prometheus-cpp's CMake file asks for.
NOT_IN_IT = {"doctest-dev", "libcurl4-openssl-dev"}


def wrong_with(document):
    """What SPDX 2.3 forbids."""
    wrong = []

    def need(where, item, fields):
        wrong.extend(f"{where}: no {field}" for field in fields if not item.get(field) and item.get(field) is not False)

    need("document", document, ("spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo", "packages", "relationships"))
    if wrong:
        return wrong
    need("creationInfo", document["creationInfo"], ("created", "creators"))
    if document["spdxVersion"] != "SPDX-2.3" or document["dataLicense"] != "CC0-1.0" or document["SPDXID"] != "SPDXRef-DOCUMENT":
        wrong.append("the document is not one of SPDX 2.3")
    if not re.fullmatch(r"https://[^#\s]+", document["documentNamespace"]):
        wrong.append("the namespace is no URI without a fragment")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"].get("created", "")):
        wrong.append("created is no moment in UTC")
    if not all(re.match(r"(Tool|Person|Organization): \S", each) for each in document["creationInfo"].get("creators", [])):
        wrong.append("a creator is neither tool, person nor organization")
    known = {"SPDXRef-DOCUMENT"}
    for package in document["packages"]:
        where = package.get("name", "a package without a name")
        need(where, package, ("name", "SPDXID", "downloadLocation", "filesAnalyzed", "versionInfo", "licenseConcluded", "licenseDeclared", "copyrightText"))
        if not IDENTIFIER.fullmatch(package.get("SPDXID", "")) or package["SPDXID"] in known:
            wrong.append(f"{where}: its SPDXID is none, or another's")
        known.add(package.get("SPDXID"))
        if package.get("filesAnalyzed") is not False:
            wrong.append(f"{where}: filesAnalyzed without files")
        wrong += [f"{where}: {field} is no expression" for field in ("licenseConcluded", "licenseDeclared") if not TERMS.fullmatch(package.get(field, ""))]
        if not re.match(r"(Organization|Person): \S|NOASSERTION$", package.get("supplier", "NOASSERTION")):
            wrong.append(f"{where}: the supplier is neither organization nor person")
        for one in package.get("checksums", []):
            if one.get("algorithm") != "SHA256" or not re.fullmatch(r"[0-9a-f]{64}", one.get("checksumValue", "")):
                wrong.append(f"{where}: a checksum is none")
        for one in package.get("externalRefs", []):
            if one.get("referenceCategory") != "PACKAGE-MANAGER" or one.get("referenceType") != "purl" or not re.fullmatch(
                    r"pkg:deb/debian/[a-z0-9.%B-]+@[A-Za-z0-9.~%-]+\?arch=\w+&distro=debian-[\d.]+", one.get("referenceLocator", "")):
                wrong.append(f"{where}: {one.get('referenceLocator')} is no purl")
    for one in document["relationships"]:
        if one.get("relationshipType") not in RELATIONS or one.get("spdxElementId") not in known or one.get("relatedSpdxElement") not in known:
            wrong.append(f"a relationship leads nowhere: {one}")
    related = {one.get("relatedSpdxElement") for one in document["relationships"]}
    wrong += [f"{package['name']} is not related to anything" for package in document["packages"] if package.get("SPDXID") not in related]
    return wrong


def missing_in(document, program):
    """What the program is made of and the document does not name as dpkg does."""
    named = {package["name"]: package["versionInfo"] for package in document["packages"]}
    # Asked by another way than the tool's: the loader's own trace.
    trace = subprocess.run([str(program), "--version"], capture_output=True, text=True, env={"LD_TRACE_LOADED_OBJECTS": "1"}).stdout
    files = {pathlib.Path(path).resolve() for path in re.findall(r"=> (/\S+)", trace)}
    wrong = [] if len(files) > 10 else ["the loader names no libraries"]
    loaded = set(parts.packages(files).values())
    control = (ROOT / "debian/control").read_text(encoding="utf-8").partition("\n\n")[0]
    built_with = set(re.findall(r"^\s+(\S+-dev),?$", control, re.M)) - NOT_IN_IT
    said = parts.run("dpkg-query", "-W", "-f", "${Package} ${Version} ${source:Package}\n", *sorted(loaded | built_with | named.keys() - {"drwatch"}))
    known = {package: (number, source) for package, number, source in (line.split() for line in said.splitlines())}
    wrong += [f"{package} {known[package][0]} is loaded and not named" for package in loaded if named.get(package) != known[package][0]]
    sources = {known[package][1] for package in named.keys() - {"drwatch"}}
    wrong += [f"{package} is built with and not named: release/sbom.py, HEADERS" for package in built_with
              if package not in named and known[package][1] not in sources]
    return wrong


def spoiled(document):
    """(what was done to it, the document), each of which has to be found out."""
    def one(what, change):
        other = copy.deepcopy(document)
        change(other)
        return what, other

    yield one("no namespace", lambda d: d.pop("documentNamespace"))
    yield one("another version", lambda d: d.update(spdxVersion="SPDX-2.2"))
    yield one("a package without a license", lambda d: d["packages"][1].pop("licenseDeclared"))
    yield one("Debian's word for a license", lambda d: d["packages"][1].update(licenseDeclared="GPL-2+"))
    yield one("an identifier twice", lambda d: d["packages"][2].update(SPDXID=d["packages"][1]["SPDXID"]))
    yield one("an identifier with a plus", lambda d: d["packages"][2].update(SPDXID="SPDXRef-libstdc++6"))
    yield one("a relationship to nothing", lambda d: d["relationships"][1].update(relatedSpdxElement="SPDXRef-nothing"))
    yield one("a package that nothing leads to", lambda d: d["relationships"].pop())
    yield one("a purl without a version", lambda d: d["packages"][1]["externalRefs"][0].update(referenceLocator="pkg:deb/debian/zlib1g"))


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="drwatch-sbom-") as folder:
        first, second = pathlib.Path(folder) / "first.json", pathlib.Path(folder) / "second.json"
        sbom.write(program, first)
        sbom.write(program, second)
        wrong = [] if first.read_bytes() == second.read_bytes() else ["written twice it is not the same"]
        document = json.loads(first.read_text(encoding="utf-8"))
    wrong += wrong_with(document) + missing_in(document, program)
    wrong += [f"it does not find out: {what}" for what, other in spoiled(document) if not wrong_with(other)]
    short = copy.deepcopy(document)
    short["packages"] = [package for package in short["packages"] if package["name"] not in ("libpq5", "nlohmann-json3-dev")]
    if not all(any(line.startswith(name) for line in missing_in(short, program)) for name in ("libpq5", "nlohmann-json3-dev")):
        wrong.append("it does not find out that a library is not named")
    print("\n".join(wrong) if wrong else f"the bill of materials holds: {len(document['packages'])} packages")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
