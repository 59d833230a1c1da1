// SPDX-License-Identifier: Apache-2.0
// drwatch doctor: asks the running daemon, and judges its configuration; without a daemon it says what it could not look at.
#include "daemon/commands/doctor.hpp"

#include "daemon/commands/client.hpp"
#include "daemon/commands/loading.hpp"
#include "probes/probe.hpp"

#include <filesystem>
#include <optional>

namespace drwatch::commands {

namespace {

constexpr const char* usual_file = "/etc/drwatch/drwatch.toml";

bool readable(const std::string& file) {
  std::error_code error;
  return std::filesystem::exists(file, error);
}

// Without a daemon: what only it knows.
void nobody_asked(const std::string& why, const std::string& line, Diagnosis& into) {
  into.not_looked_at.push_back({claim::sees, "what the probes see: " + why, line});
  into.not_looked_at.push_back({claim::loss, "whether recovery points are read: " + why, line});
  into.not_looked_at.push_back({claim::woken, "whether alerts arrive: " + why, line});
  into.not_looked_at.push_back({claim::in_time, "which drills have passed: " + why, line});
}

void send_a_test(Client& client, Diagnosis& into) {
  const Json answer = client.post("/api/v1/alerts/test", Json::object());
  if (answer.contains("taken") && answer["taken"].is_boolean() && answer["taken"].get<bool>()) return;
  for (const auto& line : list_at(answer, "results"))
    if (line.is_string()) into.missing.push_back({claim::woken, "a test alert: " + line.get<std::string>(), "drwatch alert test"});
}

}  // namespace

int doctor(const DoctorOptions& options) {
  Diagnosis diagnosis;
  std::string file = options.config;
  std::string why, line;
  std::optional<Json> status;
  try {
    Client client(options.client);
    status = client.get("/api/v1/status");
    if (file.empty() && status->contains("configuration") && (*status)["configuration"].is_object())
      file = text_at((*status)["configuration"], "file");
    if (options.send)
      send_a_test(client, diagnosis);
    else
      diagnosis.not_looked_at.push_back(
          {claim::woken, "whether an alert reaches anybody: none was sent", "drwatch doctor --send   # sends a test alert"});
  } catch (const CommandRefused& refused) {
    if (options.send) throw;
    const std::string words = refused.what();
    const auto cut = words.find("; ");
    why = words.substr(0, cut);
    line = status || cut == words.npos ? "drwatch serve --config FILE" : words.substr(cut + 2);
  }
  if (file.empty()) file = usual_file;
  if (readable(file)) {
    use_credentials(options.credentials, file);
    config::Problems problems;
    const auto kinds = kind_schemas();
    const auto settings = config::load(file, kinds, with_a_look(false), problems);
    problems.sort();
    diagnose_settings(settings.get(), problems.all(), file, diagnosis);
  } else if (!options.config.empty() || !status) {
    throw CommandRefused(file + " is not there, or not to be read; name the configuration with --config FILE");
  } else {
    diagnosis.not_looked_at.push_back({claim::starts, file + " is not to be read from here", "drwatch doctor --config FILE"});
  }
  if (status)
    diagnose_status(*status, diagnosis);
  else
    nobody_asked(why, line, diagnosis);
  if (options.client.json)
    print(diagnosis_document(diagnosis).dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  else
    print(diagnosis_text(diagnosis, Paint::for_output()));
  return diagnosis.missing.empty() ? 0 : 1;
}

}  // namespace drwatch::commands
