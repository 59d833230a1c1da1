#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the direction of includes and the purity of the heart: check.py [ROOT], or check.py --self-test.

    config <- probes <- daemon        daemon/recovery is pure        only daemon/world touches the outside
    a kind of probe is known in its own folder and in the catalog        what is written as JSON may hold any bytes
"""
import os
import re
import sys
import tempfile

ROOMS = ("config", "probes", "daemon", "daemon/recovery", "daemon/tasks", "daemon/journal", "daemon/alerting", "daemon/web", "daemon/world")

# What each room may include of the project, by prefix.
MAY_INCLUDE = {
    "config": ("config/",),
    "probes": ("config/", "probes/"),
    "daemon/recovery": ("config/", "probes/outcome.hpp", "daemon/recovery/"),
    "daemon/tasks": ("config/", "probes/seams/", "daemon/tasks/"),
    "daemon/journal": ("config/", "probes/outcome.hpp", "daemon/recovery/", "daemon/journal/", "daemon/tasks/", "probes/seams/"),
    "daemon/world": ("config/", "probes/", "daemon/world/", "daemon/tasks/"),
    "daemon/alerting": ("config/", "probes/", "daemon/"),
    "daemon/web": ("config/", "probes/", "daemon/"),
    "daemon": ("config/", "probes/", "daemon/"),
}
# Rooms that a room must not include although the above would let it.
MUST_NOT_INCLUDE = {
    "daemon/alerting": ("daemon/web/", "daemon/journal/"),
    "daemon/web": ("daemon/alerting/", "daemon/journal/"),
}
# A library's header -> the files that may include it (prefixes). Everybody else uses what those offer.
BEHIND = {
    "toml++/": ("config/rows/document.cpp",),
    "CLI/": ("daemon/main.cpp",),
    "ares.h": ("daemon/world/",),
    "libpq-fe.h": ("daemon/world/",),
    "sqlite3.h": ("daemon/journal/",),
    "prometheus/": ("daemon/web/",),
    # What writes JSON, and what reads that of others. Headers name it by <nlohmann/json_fwd.hpp>.
    "nlohmann/json.hpp": ("daemon/recovery/record/", "daemon/web/", "daemon/journal/", "daemon/alerting/", "daemon/commands/", "daemon/log/",
                          "daemon/answers.cpp", "config/rows/document.cpp", "config/load/digest.cpp", "probes/"),
    "cmark.h": ("daemon/web/",),
    "yaml-cpp/": ("daemon/alerting/routing/",),
    "spdlog/": ("daemon/log/",),
    "systemd/": ("daemon/log/", "daemon/world/notify"),
    "spawn.h": ("daemon/world/",),
    "netdb.h": ("daemon/world/",),
    "sys/socket.h": ("daemon/world/", "daemon/web/"),
    "boost/beast/": ("daemon/world/", "daemon/web/"),
    "boost/asio/ssl/": ("daemon/world/", "daemon/web/"),
    "boost/asio/experimental/": ("probes/seams/within",),
}
# What the heart's own files, and every project header that they reach, must not include.
IMPURE = ("boost/asio", "boost/beast", "thread", "mutex", "condition_variable", "future", "atomic", "fstream", "filesystem", "iostream", "cstdio",
          "random", "ctime", "time.h", "unistd.h", "fcntl.h", "sys/", "netdb.h", "arpa/", "openssl/", "ares.h", "libpq-fe.h", "sqlite3.h",
          "spdlog/", "systemd/", "date/tz.h")
# ... and what its code must not say.
IMPURE_WORDS = re.compile(r"_clock::now\b|\bclock_gettime\b|\bgettimeofday\b|\bstd::time\(|\bgetenv\b|\bstd::rand\b|\brandom_device\b|\bco_await\b")
# What nobody may say, and where it may be said all the same.
NOBODY = {
    re.compile(r"\bdetached\b"): (),
    re.compile(r"\bco_spawn\("): ("daemon/tasks/task_group", "probes/seams/within"),
    re.compile(r"\basync_resolve\b|\bgetaddrinfo\b"): (),
    re.compile(r"\bsteady_clock::now\b|\bsystem_clock::now\b"): ("daemon/world/", "daemon/journal/", "daemon/commands/", "daemon/log/"),
}
# The visible table of kinds, and how it declares one; the folder of the same name is all that may know it.
CATALOG = "probes/catalog.cpp"
DECLARED = re.compile(r"^namespace (\w+) \{ Kind kind\(\); \}", re.M)
# Where a literal is a kind's name by chance: the same word means something else there. (A setting's key, the first argument of a row, is
# always that.) An entry that is not needed any more has to go.
SAME_WORD = (
    ("config/rows/pattern.cpp", ("http",), "the scheme of a URL"),
    ("config/tables/tables.cpp", ("command",), "a kind of channel"),
    ("config/load/main_file.cpp", ("command",), "a kind of channel, and its key"),
    ("daemon/alerting/channel.cpp", ("command",), "a kind of channel"),
    ("daemon/web/api/view_incident.cpp", ("command",), "a kind of step"),
    ("daemon/web/api/view_scenario.cpp", ("command",), "a kind of step"),
    ("daemon/web/pages/steps.cpp", ("command",), "a kind of step"),
    ("daemon/web/pages/runbook.cpp", ("command",), "a kind of step"),
    ("daemon/commands/incident.cpp", ("command",), "a kind of step"),
    ("daemon/commands/incident_text.cpp", ("command",), "a kind of step"),
    ("daemon/web/reference.cpp", ("http",), "how a token is shown, in OpenAPI"),
    ("daemon/main.cpp", ("backup",), "drwatch journal backup"),
    ("daemon/commands/init_text.cpp", ("auth",), "a component's name"),
    ("daemon/story/check.cpp", ("heartbeat",), "the noun of a sentence for whoever wrote the story"),
    ("probes/outcome.cpp", ("auth", "dns", "tls"), "reasons and phases of an outcome"),
    ("probes/auth/visit.cpp", ("dns", "tcp", "tls"), "stages of a login"),
    ("probes/tls/probe.cpp", ("postgres",), "a protocol in which TLS is agreed upon"),
    ("probes/tls/starttls.cpp", ("postgres",), "a protocol in which TLS is agreed upon"),
)
# What only has to be stepped over, then a literal. Of a raw one the text is left out: those are documentation.
LITERAL = re.compile(r"//[^\n]*|/\*.*?\*/|R\"(\w*)\(.*?\)\1\"|'(?:\\.|[^'\\\n])'|\"((?:\\.|[^\"\\\n])*)\"", re.S)
KEY_OF_A_ROW = re.compile(r"\w*row\w*(?:<\w+>)?\(\s*$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def room_of(path):
    return max((room for room in ROOMS if path.startswith(room + "/")), key=len)


def code_of(text):
    """The text without comments and strings: only code can break a rule."""
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', "", text, flags=re.S)


def sources(root):
    found = {}
    for top in ("config", "probes", "daemon"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                if name.endswith((".cpp", ".hpp")):
                    path = os.path.relpath(os.path.join(folder, name), root)
                    with open(os.path.join(root, path), encoding="utf-8") as file:
                        found[path] = file.read()
    return found


def includes(text):
    return [(kind == '"', name) for kind, name in INCLUDE.findall(text)]


def reached_from(path, files):
    """Every project file that `path` includes, directly or not."""
    seen, todo = set(), [path]
    while todo:
        for ours, name in includes(files.get(todo.pop(), "")):
            if ours and name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def literals(text):
    """The words that stand as whole literals in the code, without those that are a setting's key."""
    found = set()
    for m in LITERAL.finditer(text):
        if m[2] is not None and not KEY_OF_A_ROW.search(text, max(0, m.start() - 80), m.start()):
            found.add(m[2].strip('\\"'))
    return found


def knows_a_kind(files):
    """Whoever asks for a kind by its name, or reads in its folder, has to be changed with every new kind: a trait is asked for instead."""
    kinds = set(DECLARED.findall(files.get(CATALOG, "")))
    if not kinds:
        return [f"{CATALOG}: declares no kinds in the form that this check reads"]
    wrong = []
    for path, text in sorted(files.items()):
        at = path.split("/")
        home = at[1] if at[0] == "probes" and at[1] in kinds else None
        for ours, name in includes(text):
            of = name.split("/")
            if ours and of[0] == "probes" and of[1] in kinds - {home}:
                wrong.append(f"{path}: includes {name}; what others need of a kind is a trait, what kinds share lies in probes/parts/")
        other = {word for where, words, _ in SAME_WORD if where == path for word in words}
        words = literals(text) & (kinds - {home})
        if path != CATALOG:
            wrong += [f"{path}: \"{word}\" is a kind's name; ask for a trait of the kind" for word in sorted(words - other)]
        wrong += [f"{path}: \"{word}\" does not stand here any more: take it out of SAME_WORD" for word in sorted(other - words)]
    return wrong


def violations(root):
    files = sources(root)
    if not files:
        return [f"{root}: no source files found"]
    wrong = defined_twice(files) + knows_a_kind(files)
    for path, text in sorted(files.items()):
        room = room_of(path)
        for ours, name in includes(text):
            if ours and name not in files:
                wrong.append(f"{path}: includes {name}, which does not exist (paths begin at the repository's root)")
            elif ours and (not name.startswith(MAY_INCLUDE[room]) or name.startswith(MUST_NOT_INCLUDE.get(room, ("\0",)))):
                wrong.append(f"{path}: {room} must not include {name}")
            for header, allowed in BEHIND.items():
                if not ours and name.startswith(header) and not path.startswith(allowed):
                    wrong.append(f"{path}: <{name}> stays in {', '.join(allowed)}")
        code = code_of(text)
        for word, allowed in NOBODY.items():
            if (found := word.search(code)) and not (allowed and path.startswith(allowed)):
                wrong.append(f"{path}: '{found[0]}' may not stand here")
        # A quote or a bracket between single quotes is neither.
        if bare_dumps(code_of(re.sub(r"'(?:\\.|[^'\\\n])'", "0", text))):
            wrong.append(f"{path}: dump() without error_handler_t::replace throws where a text is not UTF-8")
        if room == "daemon/recovery":
            wrong += impurities(path, files)
            wrong += costs(path, files)
    return wrong


def bare_dumps(code):
    """nlohmann's dump() throws where a text is not UTF-8, and such texts come from everywhere outside: each call says what to do instead."""
    found = 0
    for m in re.finditer(r"(?:\.|->)dump\(", code):
        depth, end = 1, m.end()
        while depth and end < len(code):
            depth += {"(": 1, ")": -1}.get(code[end], 0)
            end += 1
        found += "error_handler_t::replace" not in code[m.end():end]
    return found


SCOPE = re.compile(r"\bnamespace\b\s*([\w:]*)\s*\{|\b(?:struct|class|enum)\s+(?:class\s+)?(\w+)(?!\s*::)\b[^;{}()=]*\{|\{|\}")


def types_of(text):
    """The types that a file defines in a namespace with a name, each with its namespaces: "drwatch::Outcome"."""
    found, scopes = [], []
    text = re.sub(r'R"(\w*)\((?:.|\n)*?\)\1"', '""', text)
    text = re.sub(r"'(?:\\.|[^'\\\n])'", "0", code_of(text))
    text = re.sub(r"\btemplate\s*<[^<>]*>", "", text)  # its parameters are no types
    for m in SCOPE.finditer(text):
        if m[0] == "}":
            scopes and scopes.pop()
            continue
        if m[2] and all(scopes):
            found.append("::".join([*scopes, m[2]]))
        scopes.append(m[1] if m[0].startswith("namespace") else None)
    return found


def defined_twice(files):
    """Two types of one name in one program: the linker takes one's constructors and destructors for the other's, and says nothing."""
    where = {}
    for path, text in sorted(files.items()):
        for name in types_of(text):
            where.setdefault(name, []).append(path)
    return [f"{paths[-1]}: defines {name}, which {paths[0]} defines as well" for name, paths in where.items() if len(set(paths)) > 1]


def impurities(path, files):
    wrong = []
    for file in sorted({path} | {f for f in reached_from(path, files) if f.endswith(".hpp")}):
        for ours, name in includes(files.get(file, "")):
            if not ours and name.startswith(IMPURE):
                wrong.append(f"{path}: the heart reaches <{name}>" + ("" if file == path else f" through {file}"))
    if found := IMPURE_WORDS.search(code_of(files[path])):
        wrong.append(f"{path}: the heart says '{found[0]}'; time and chance are handed to it")
    return wrong


def costs(path, files):
    """The JSON library in the heart: what decides reaches it through no header."""
    if path.startswith("daemon/recovery/record/"):
        return []
    return [f"{path}: reaches <{name}> through {file}; it is for daemon/recovery/record/ alone" for file in sorted(reached_from(path, files))
            for ours, name in includes(files.get(file, "")) if not ours and name == "nlohmann/json.hpp"]


def self_test():
    """Each rule is broken once in a small tree, and has to be found; the same tree without it has to pass."""
    sound = {"config/rows/time.hpp": "#include <chrono>\n", "probes/outcome.hpp": '#include "config/rows/time.hpp"\n',
             "probes/seams/world.hpp": '#include "probes/outcome.hpp"\n#include <boost/asio/awaitable.hpp>\n',
             "daemon/recovery/state.hpp": '#include "probes/outcome.hpp"\nnamespace drwatch {\nstruct State {\n  struct Row {};\n};\n}\n',
             "daemon/world/real.hpp": '#include "probes/seams/world.hpp"\n#include <ares.h>\n',
             "daemon/web/state.cpp": "namespace drwatch::web {\nstruct State {};\nnamespace {\nstruct Row {};\n}\n}\n",
             "probes/catalog.cpp": "namespace gopher { Kind kind(); }\nnamespace finger { Kind kind(); }\n",
             "probes/gopher/probe.hpp": '#include "probes/outcome.hpp"\n',
             "probes/gopher/probe.cpp": '#include "probes/gopher/probe.hpp"\nauto k = kind_of<S, P>({.name = "gopher"}), s = "a finger";\n',
             "probes/finger/probe.cpp": 'auto k = kind_of<S, P>({.name = "finger"});  // not "gopher"\nauto r = row<S>("gopher", &S::gopher);\n',
             "probes/parts/text.cpp": "auto t = f(json.dump(-1, '(', false, J::error_handler_t::replace)) + dump(x);  // json.dump()\n",
             "daemon/recovery/record/json.hpp": "#include <nlohmann/json.hpp>\n",
             "daemon/recovery/record/body.cpp": '#include "daemon/recovery/record/json.hpp"\n',
             "daemon/recovery/decide.cpp": '#include "daemon/recovery/state.hpp"\n#include <nlohmann/json_fwd.hpp>\n// system_clock::now and detached are only named here\n'}
    planted = {
        "config/bad.cpp": '#include "probes/outcome.hpp"\n',
        "probes/bad.cpp": '#include "daemon/world/real.hpp"\n',
        "daemon/recovery/bad.cpp": '#include "probes/seams/world.hpp"\n',
        "daemon/recovery/asio.cpp": "#include <boost/asio/awaitable.hpp>\n",
        "daemon/recovery/file.cpp": "#include <fstream>\n",
        "daemon/recovery/clock.cpp": "auto t = std::chrono::system_clock::now();\n",
        "daemon/recovery/seen/json.cpp": "#include <nlohmann/json.hpp>\n",
        "daemon/recovery/seen/reached.cpp": '#include "daemon/recovery/record/json.hpp"\n',
        "daemon/tasks/json.hpp": "#include <nlohmann/json.hpp>\n",
        "daemon/recovery/await.cpp": "co_await x;\n",
        "daemon/web/bad.cpp": "#include <libpq-fe.h>\n",
        "config/settings.cpp": "#include <toml++/toml.h>\n",
        "daemon/commands/bad.cpp": "#include <CLI/CLI.hpp>\n",
        "daemon/world/bad.cpp": '#include "daemon/recovery/state.hpp"\n',
        "probes/task.cpp": "co_spawn(e, f(), boost::asio::detached);\n",
        "daemon/web/twice.hpp": "namespace drwatch {\nstruct Other {\n};\nclass State : Other {\n};\n}\n",
        "daemon/recovery/named.cpp": 'bool b = settings.kind == "gopher";\n',
        "config/quoted.cpp": 'bool b = written == "\\"gopher\\"";\n',
        "probes/finger/other.cpp": 'auto o = one_of("finger", "gopher");\n',
        "probes/parts/low.cpp": '#include "probes/gopher/probe.hpp"\n',
        "probes/finger/reads.cpp": '#include "probes/gopher/probe.hpp"\n',
        "daemon/commands/kind.cpp": '#include "probes/gopher/probe.hpp"\n',
        "probes/catalog.cpp": "// no kinds\n",
        "config/rows/pattern.cpp": "// an allowance that nothing needs\n",
        "daemon/web/template.hpp": "namespace drwatch {\ntemplate <class T>\nclass State {\n};\n}\n",
        "probes/dumped.cpp": "auto t = json.dump(2, ' ');  // error_handler_t::replace\n",
        "daemon/web/dumped.cpp": "auto t = f(Json{{g(1)}}.dump(), J::error_handler_t::replace);\n",
        "daemon/log/dumped.cpp": "auto t = at->dump();\n",
        "probes/missing.cpp": '#include "outcome.hpp"\n',
    }
    failed = []
    for path, text in [(None, ""), *planted.items()]:
        with tempfile.TemporaryDirectory() as root:
            for name, content in {**sound, **({path: text} if path else {})}.items():
                os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
                with open(os.path.join(root, name), "w", encoding="utf-8") as file:
                    file.write(content)
            found = violations(root)
        if bool(found) != bool(path) or any(not line.startswith(path or "\0") for line in found):
            failed.append(f"self-test: {path or 'the sound tree'}: found {found or 'nothing'}")
    return failed


def main():
    arguments = sys.argv[1:]
    wrong = self_test() if arguments == ["--self-test"] else violations(arguments[0] if arguments else ".")
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
