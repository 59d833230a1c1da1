// SPDX-License-Identifier: Apache-2.0
#include "config/check/machine.hpp"

#include "config/rows/files.hpp"

#include <unistd.h>

#include <chrono>
#include <filesystem>

namespace drwatch::config {
namespace {

// Where a command's first word is looked for: the PATH that commands are run with.
constexpr std::string_view folders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"};

bool can_be_run(const std::string& program) {
  if (program.find('/') != std::string::npos) return access(program.c_str(), X_OK) == 0;
  for (const auto folder : folders)
    if (access((std::string(folder) + "/" + program).c_str(), X_OK) == 0) return true;
  return false;
}

}  // namespace

void look_at_machine(const Document& main, const Settings& settings, const std::vector<NamedPath>& paths, const LoadOptions& options,
                     Problems& problems) {
  const Place top{main.file, 1, 1};
  // As with secrets: `check` may run on another machine than `serve` will, so what is not there is a warning there.
  const auto needed = [&](Place place, const std::string& key, const std::string& message, const char* hint) {
    options.secrets_must_exist ? problems.error(place, key, message, hint) : problems.warning(place, key, message, hint);
  };
  std::chrono::milliseconds patience(1500);
  const NamedPath* certificate = nullptr;
  bool both = true;
  for (const auto& named : paths) {
    const auto found = asked_within(patience, named.path, [path = named.path, program = named.program] {
      std::error_code no_matter;
      return program ? can_be_run(path) : std::filesystem::exists(path, no_matter);
    });
    if (!found) {
      problems.warning(named.place, named.key, shown(named.path) + " does not answer (a disk or network mount that hangs?)",
                       "mend it: what needs it is unknown until then");
      // One has been waited for; all of them together must not hold up a start or a reload.
      patience = std::chrono::milliseconds(20);
    }
    const bool there = found.value_or(true);
    const bool of_the_certificate = named.path == settings.server.tls_certificate;
    if (of_the_certificate) certificate = &named;
    if (there || named.key == "journal.path" || named.key == "scenarios.path") continue;
    if (of_the_certificate || named.path == settings.server.tls_key) {
      needed(named.place, named.key, shown(named.path) + " is not there", "drwatch cannot listen without it");
      both = false;
    } else if (named.program) {
      problems.warning(named.place, named.key, "there is no program " + shown(named.path) + " that can be run",
                       "install it, or correct the name: nothing happens when it is needed");
    } else {
      problems.warning(named.place, named.key, shown(named.path) + " is not there", "correct the path, or make it before it is needed");
    }
  }
  // One that does not answer was named above with the journal's own path; a start waits for it (open_journal).
  const auto folder = std::filesystem::absolute(settings.journal.path).parent_path();
  const auto folder_there = asked_within(patience, folder.string(), [folder] {
    std::error_code no_matter;
    return std::filesystem::is_directory(folder, no_matter);
  });
  if (!folder_there.value_or(true))
    needed(place_at(main.table(), top, {"journal", "path"}), "journal.path", "the folder " + shown(folder.string()) + " is not there",
           "make it: the journal is written into it");
  if (!certificate || !both || !options.identity_problem) return;
  if (const std::string wrong = options.identity_problem(settings.server.tls_certificate, settings.server.tls_key); !wrong.empty())
    problems.error(certificate->place, certificate->key, wrong, "drwatch cannot listen without it");
}

}  // namespace drwatch::config
