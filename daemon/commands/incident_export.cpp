// SPDX-License-Identifier: Apache-2.0
// drwatch incident export, and journal backup through a running daemon: files that verify by themselves.
#include "daemon/commands/incident_words.hpp"
#include "daemon/commands/render.hpp"
#include "daemon/commands/saving.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace drwatch::commands {

namespace fs = std::filesystem;

JournalVerdict save_journal(const std::string& file, const std::string& bytes) {
  std::error_code error;
  if (fs::exists(file, error)) throw CommandRefused(file + " is there already; give another FILE");
  const std::string beside = file + ".part";
  // As the journal's own: a timeline names people and systems.
  const int made = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (made < 0)
    throw CommandRefused("cannot write " + beside + ": " + std::strerror(errno) +
                         (errno == EEXIST ? "; another one is at it, or was ended: remove it then" : "; give another FILE"));
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(made, bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  const bool whole = written == bytes.size() && ::fsync(made) == 0;
  const int why = errno;
  ::close(made);
  std::string problem = whole ? "" : "cannot write " + file + ": " + std::strerror(why) + "; make room, or give another FILE";
  JournalVerdict verdict;
  if (whole) try {
      verdict = verify_journal(beside);
      if (verdict.broken)
        problem =
            "what came is not whole, at event " + std::to_string(verdict.broken->seq) + ": " + verdict.broken->message + "; try again";
    } catch (const std::exception& refused) {
      problem = refused.what();
    }
  if (problem.empty()) {
    fs::rename(beside, file, error);
    if (error) problem = "cannot write " + file + ": " + error.message();
  }
  if (problem.empty()) return verdict;
  fs::remove(beside, error);
  throw CommandRefused(problem);
}

int incident_export(const IncidentOptions& options) {
  const IncidentWords said = incident_words("export", options.words, {});
  Client client(options.client);
  std::string file;
  JournalVerdict verdict;
  const Json exported = with_incident(client, said.id, [&](const std::string& id) {
    const std::string bytes = client.download("/api/v1/incidents/" + path_element(id) + "/export");
    file = options.file.empty() ? id + ".journal" : options.file;
    verdict = save_journal(file, bytes);
    return Json{{"incident", id}};
  });
  const std::string id = text_at(exported, "incident");
  Json document = verdict_document(verdict);
  document["incident"] = id;
  document["file"] = file;
  if (client.printed_as_json(document)) return 0;
  print(verdict_text(file, verdict) + "drwatch journal verify " + file + " follows the chain; drwatch journal show " + file +
        " --incident " + id + " prints what is its own\n");
  return 0;
}

}  // namespace drwatch::commands
