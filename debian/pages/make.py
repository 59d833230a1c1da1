#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the manual pages and the completion of the package: make.py PROGRAM FOLDER.

drwatch.1 and the completion come from what the program says of itself (--help of each command), drwatch.toml.5 and drwatch-scenarios.5 from
docs/configuration.md, which is written from the settings' rows. So neither can drift from the program."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


# ---- what the program says
class Command:
    """One command's help: what it is, its words, its options, its subcommands."""

    def __init__(self, program, words):
        self.words = words
        done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True, env={"COLUMNS": "10000"})
        self.about, self.options, self.positionals, self.footer, names = "", [], [], "", []
        section = "about"
        for line in done.stdout.splitlines():
            if line.startswith("Usage: "):
                self.usage = line[7:]
                section = ""
            elif line in ("Options:", "Positionals:", "Subcommands:"):
                section = line[:-1]
            elif section == "about":
                self.about += line
            elif line.startswith("  ") and section in ("Options", "Positionals", "Subcommands"):
                self.add(section, line, names)
            elif line.strip():
                section = "footer"
                self.footer += line.strip() + "\n"
        self.subcommands = [Command(program, [*words, name]) for name in names]

    def add(self, section, line, names):
        if line.startswith(" " * 20):  # what did not fit beside it
            last = self.options if section == "Options" else self.positionals
            last[-1] = (last[-1][0], (last[-1][1] + " " + line.strip()).strip())
            return
        name, _, text = line.strip().partition("  ")
        if section == "Subcommands":
            names.append(name)
        elif section == "Options":
            self.options.append((name, text.strip()))
        else:
            self.positionals.append((name, text.strip()))

    def all(self):
        yield self
        for each in self.subcommands:
            yield from each.all()


def plain_name(name):
    """"--server TEXT=http://... (Env:DRWATCH_SERVER)" without what only the help needs."""
    name = re.sub(r" REQUIRED", "", name)
    name = re.sub(r"Needs: .*|Excludes: .*", "", name)
    return re.sub(r"TEXT:\{([^}]*)\}", r"\1", name).strip()


# ---- roff
def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\\&" + text if text.startswith((".", "'")) else text


def inline(text):
    """Markdown's `code` and **bold** as roff; the rest as it is."""
    out = ""
    for part in re.split(r"(``.+?``|`[^`]*`|\*\*.+?\*\*)", text):
        if part.startswith("`"):
            out += "\\fB" + escaped(part.strip("`")).removeprefix("\\&") + "\\fR"
        elif part.startswith("**"):
            out += "\\fB" + inline(part[2:-2]) + "\\fR"
        else:
            part = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", part)
            part = re.sub(r"(?<![\w*])\*([^*]+)\*(?![\w*])", r"\1", part)
            out += escaped(part).removeprefix("\\&")
    return "\\&" + out if out.startswith((".", "\\(aq")) else out


def header(name, section, title, version):
    return [".\\\" Written by debian/pages/make.py.", f'.TH {name} {section} "" "drwatch {version}" "{title}"', ".nh", ".ad l"]


def literal(lines):
    return [".PP", ".RS 4", ".nf", *[escaped(line) for line in lines], ".fi", ".RE"]


def cells(line):
    """Of a row of a Markdown table; a bar within `code` or behind a backslash is no border."""
    found, code, cell = [], False, ""
    for at, char in enumerate(line.strip().strip("|")):
        if char == "`":
            code = not code
        if char == "|" and not code and not cell.endswith("\\"):
            found.append(cell.strip())
            cell = ""
        else:
            cell += char
    return [*found, cell.strip()]


def table(rows):
    head, *body = rows
    out = []
    for row in body:
        if len(head) == 4 and head[0] == "key":
            key, kind, fallback, meaning = (row + [""] * 4)[:4]
            note = kind if not fallback else f"{kind}; {fallback}" if fallback == "*required*" else f"{kind}; default {fallback}"
            out += [".TP", inline(key) + " (" + inline(note) + ")", inline(meaning) or "\\&"]
        else:
            out += [".TP", inline(row[0]) or "\\&", inline("; ".join(cell for cell in row[1:] if cell)) or "\\&"]
    return out


def from_markdown(lines, top):
    """The dialect of docs/configuration.md: headings, paragraphs, tables, indented blocks. `top`: the level that becomes a section."""
    out, at, paragraph = [], 0, []

    def end():
        if paragraph:
            out.extend([".PP", *[inline(" ".join(paragraph))]])
            paragraph.clear()

    while at < len(lines):
        line = lines[at]
        if heading := re.match(r"(#+) (.*)", line):
            end()
            level = len(heading[1])
            words = heading[2].replace("`", "")
            out.append((".SH " if level <= top else ".SS ") + '"' + escaped(words.upper() if level <= top else words).replace('"', '""') + '"')
        elif line.startswith("| "):
            end()
            rows = []
            while at < len(lines) and lines[at].startswith("|"):
                if not re.fullmatch(r"[|\s:-]+", lines[at]) or re.fullmatch(r"\|\s*\|.*", lines[at]):
                    rows.append(cells(lines[at]))
                at += 1
            out.extend(table([row for row in rows if any(row)] if any(rows[0]) else [["", ""], *rows[1:]]))
            continue
        elif line.startswith("    ") or line.startswith("```"):
            end()
            fenced, block = line.startswith("```"), []
            at += fenced
            while at < len(lines) and (not lines[at].startswith("```") if fenced else lines[at].startswith("    ") or not lines[at].strip()):
                block.append(lines[at] if fenced else lines[at][4:])
                at += 1
            out.extend(literal("\n".join(block).strip("\n").split("\n")))
            at += fenced
            continue
        elif line.startswith("<!--"):
            pass
        elif line.strip():
            paragraph.append(line.strip())
        else:
            end()
        at += 1
    end()
    return out


def section(lines, begin, end):
    first = lines.index(begin)
    last = next((at for at in range(first + 1, len(lines)) if end and lines[at].startswith(end)), len(lines))
    return lines[first:last]


# ---- the pages
def commands_page(root, version):
    out = header("DRWATCH", 1, "drwatch", version)
    out += [".SH NAME", "drwatch \\- watches whether a platform could be recovered in time", ".SH SYNOPSIS", ".B drwatch", "[OPTIONS] COMMAND ..."]
    out += [".SH DESCRIPTION", inline(root.about), ".PP", inline(
        "drwatch watches a database, login, endpoints, jobs, backups and providers, says at every moment how much data a disaster would cost and "
        "whether recovery would be over in time, and opens the runbook's scenario that fits what it sees.")]
    out += [".SH OPTIONS", "They may stand before or behind the command's words."]
    for name, text in root.options:
        out += [".TP", "\\fB" + escaped(plain_name(name)) + "\\fR", inline(text)]
    out += [".SH COMMANDS"]
    for command in root.all():
        if command is root or command.subcommands:
            continue
        out += [".SS \"" + escaped(plain_name(command.usage.replace(" [OPTIONS]", ""))).replace('"', '""') + '"', inline(command.about)]
        for name, text in [*command.positionals, *[each for each in command.options if "--help" not in each[0]]]:
            out += [".TP", "\\fB" + escaped(plain_name(name)) + "\\fR", inline(text) or "\\&"]
        if command.footer:
            out += literal(command.footer.strip().split("\n")[1:])
    out += [".SH EXIT STATUS"]
    for code, text in (("0", "It is good, or done."), ("1", "The answer is bad news: something is down, open, breached, undelivered, missing or wrong."),
                       ("2", "It could not be run or was refused; one line on standard error says what, and what to do.")):
        out += [".TP", code, text]
    out += [".SH ENVIRONMENT"]
    for name, text in (("DRWATCH_SERVER", "The daemon's address, where `--server` says nothing."), ("DRWATCH_TOKEN", "The token itself."),
                       ("CREDENTIALS_DIRECTORY", "Where `{ credential = \"NAME\" }` is looked for; systemd sets it."), ("NO_COLOR", "No colours on a terminal.")):
        out += [".TP", "\\fB" + name + "\\fR", inline(text)]
    out += [".SH FILES", ".TP", "\\fI/etc/drwatch/drwatch.toml\\fR", "The configuration: see", ".BR drwatch.toml (5).", ".TP",
            "\\fI/etc/drwatch/scenarios/\\fR", "The runbook, one file a scenario: see", ".BR drwatch\\-scenarios (5).", ".TP",
            "\\fI/etc/drwatch/scenarios\\-available/\\fR", "Scenarios to take from.", ".TP", "\\fI/etc/drwatch/credentials/\\fR",
            "The secrets, for root alone; the unit hands them over.", ".TP", "\\fI/var/lib/drwatch/journal.db\\fR", "The durable record."]
    out += [".SH SEE ALSO", ".BR drwatch.toml (5),", ".BR drwatch\\-scenarios (5),", "\\fI/usr/share/doc/drwatch/\\fR"]
    return out


def settings_page(reference, version):
    out = header("DRWATCH.TOML", 5, "drwatch", version)
    out += [".SH NAME", "drwatch.toml \\- the configuration of drwatch"]
    first = reference.index("# Configuration")
    intro = section(reference[first + 1:], next(line for line in reference[first + 1:] if line.strip() and not line.startswith("<!--")), "## ")
    out += [".SH DESCRIPTION", *from_markdown(intro, 2)]
    out += from_markdown(section(reference, "## The main file", "## Kinds"), 2)
    out += from_markdown(section(reference, "## Kinds of probes", "## Scenarios"), 2)
    out += [".SH SEE ALSO", ".BR drwatch (1),", ".BR drwatch\\-scenarios (5)"]
    return out


def scenarios_page(reference, version):
    out = header("DRWATCH-SCENARIOS", 5, "drwatch", version)
    out += [".SH NAME", "drwatch\\-scenarios \\- the pages of drwatch's runbook"]
    out += [".SH DESCRIPTION", "A file \\fINAME.toml\\fR in the folder of the scenarios is one page of the runbook: when it opens, what is to be done,"
            " whom to tell, when it is over, and when it is drilled."]
    out += from_markdown(section(reference, "## Scenarios", ""), 2)
    out += [".SH SEE ALSO", ".BR drwatch (1),", ".BR drwatch.toml (5)"]
    return out


def completion(root):
    """For bash: the words of each command, its options, and files where an option takes one."""
    takes_file = {"--config", "--token-file", "--ca-file", "--postgres", "--pager", "--deadman", "--journal", "--drop-in"}
    takes_folder = {"--to", "--credentials"}
    rows, alone = [], set()
    for command in root.all():
        options = set()
        for name, _ in [*command.options, *root.options]:
            words = name.split(" ")
            flags = [flag for flag in words[0].split(",") if flag.startswith("--")]
            options.update(flags)
            if len(words) > 1 and not words[1].startswith("("):
                alone.update(flags)
        words = [each.words[-1] for each in command.subcommands] + sorted(options)
        for name, _ in command.positionals:
            if choice := re.search(r":\{([^}]*)\}", name):
                words += choice[1].split(",")
        rows.append(f'    "{" ".join(command.words)}") words="{" ".join(words)}" ;;')
    groups = [" ".join(command.words) for command in root.all() if command.subcommands and command.words]
    valued = sorted(alone - takes_file - takes_folder)
    return f"""# bash completion of drwatch, written by debian/pages/make.py from the program's own help.
_drwatch() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" command="" words="" at
  COMPREPLY=()
  case "$before" in
    {"|".join(sorted(takes_file))}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    {"|".join(sorted(takes_folder))}) COMPREPLY=($(compgen -d -- "$current")); return ;;
    {"|".join(valued)}) return ;;
  esac
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "${{COMP_WORDS[at]}}" in
      {"|".join(sorted(alone))}) ((at++)) ;;
      -*) ;;
      *)
        case "$command" in
          "") command="${{COMP_WORDS[at]}}" ;;
          {"|".join(chr(34) + group + chr(34) for group in groups)}) command="$command ${{COMP_WORDS[at]}}" ;;
        esac ;;
    esac
  done
  case "$command" in
{chr(10).join(rows)}
  esac
  case "$command $current" in
    "test "*|"check "*|"journal verify "*|"journal show "*|"journal backup "*)
      [[ "$current" == -* ]] || {{ COMPREPLY=($(compgen -f -- "$current")); return; }} ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o filenames -F _drwatch drwatch
"""


def drill_page(version):
    """The restore drill's: what it says of itself, word for word."""
    said = subprocess.run([sys.executable, str(ROOT / "drills/drwatch-restore-drill"), "--help"], capture_output=True, text=True, check=True, env={"COLUMNS": "90"}).stdout
    out = header("DRWATCH-RESTORE-DRILL", 1, "drwatch", version)
    out += [".SH NAME", "drwatch\\-restore\\-drill \\- restores a PostgreSQL backup into a scratch instance and says what that proved"]
    out += [".SH SYNOPSIS", ".B drwatch\\-restore\\-drill", "[OPTIONS]", ".SH DESCRIPTION", *literal(said.splitlines())]
    return out + [".SH SEE ALSO", ".BR drwatch (1),", "\\fI/usr/share/doc/drwatch/restore\\-drill.md\\fR"]


def main():
    program, folder = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    # The number alone: a page does not change with a commit.
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\d+(\.\d+)+", said)[0]
    root = Command(program, [])
    reference = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8").splitlines()
    for name, lines in (("drwatch.1", commands_page(root, version)), ("drwatch.toml.5", settings_page(reference, version)),
                        ("drwatch-scenarios.5", scenarios_page(reference, version)), ("drwatch-restore-drill.1", drill_page(version))):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "completion").write_text(completion(root), encoding="utf-8")


if __name__ == "__main__":
    main()
