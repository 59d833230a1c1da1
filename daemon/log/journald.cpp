// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/sinks.hpp"

#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include <cctype>
#include <vector>

namespace drwatch {
namespace {

// syslog's levels, by which `journalctl -p` filters.
int priority(Importance importance) {
  switch (importance) {
    case Importance::error:
      return LOG_ERR;
    case Importance::warning:
      return LOG_WARNING;
    case Importance::info:
      break;
  }
  return LOG_INFO;
}

// The fields of one entry. Values go with their length, so that a newline or a NUL in one can't forge another field.
class Fields {
 public:
  void add(std::string_view name, std::string_view value) {
    if (!value.empty()) fields_.push_back(std::string(name) + "=" + std::string(value));
  }
  // False when journald is away. One that does not read makes this wait.
  bool send() const {
    std::vector<iovec> parts;
    for (const std::string& field : fields_) parts.push_back({const_cast<char*>(field.data()), field.size()});
    return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
  }

 private:
  std::vector<std::string> fields_;
};

// "probe" as DRWATCH_PROBE.
std::string field_name(std::string_view name) {
  std::string upper = "DRWATCH_";
  for (const char c : name) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

// Operators search by these field names (journalctl DRWATCH_PROBE=primary): a renamed one breaks what they have written down.
class JournaldSink : public LogSink {
 public:
  bool write(const LogEntry& entry) override {
    Fields fields;
    fields.add("MESSAGE", entry.message.empty() ? entry.kind : entry.message);
    fields.add("PRIORITY", std::to_string(priority(entry.importance)));
    fields.add("SYSLOG_IDENTIFIER", "drwatch");
    const bool event = !entry.kind.empty();
    if (event) fields.add("MESSAGE_ID", message_id(entry.kind));
    fields.add("DRWATCH_EVENT", entry.kind);
    for (const auto& [name, value] : entry.fields) fields.add(event ? field_name(name) : name, value);
    return fields.send();
  }
};

}  // namespace

std::unique_ptr<LogSink> make_journald_sink() { return std::make_unique<JournaldSink>(); }

}  // namespace drwatch
