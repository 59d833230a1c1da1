// SPDX-License-Identifier: Apache-2.0
#include "daemon/log/sinks.hpp"

#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

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
class Entry {
 public:
  void add(std::string_view name, std::string_view value) {
    if (!value.empty()) fields_.push_back(std::string(name) + "=" + std::string(value));
  }
  // journald that is away or full must not stop the daemon: what it does not take is lost to the log, never to the journal.
  void send() const {
    std::vector<iovec> parts;
    for (const std::string& field : fields_) parts.push_back({const_cast<char*>(field.data()), field.size()});
    sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  }

 private:
  std::vector<std::string> fields_;
};

// Operators search by these field names (journalctl DRWATCH_PROBE=primary): a renamed one breaks what they have written down.
class JournaldLog : public Log {
 public:
  void event(const Event& event) override {
    Entry entry;
    entry.add("MESSAGE", event.message.empty() ? event.kind : event.message);
    entry.add("PRIORITY", std::to_string(priority(importance(event))));
    entry.add("SYSLOG_IDENTIFIER", "drwatch");
    entry.add("MESSAGE_ID", message_id(event.kind));
    entry.add("DRWATCH_EVENT", event.kind);
    // An event has only some of these; the empty ones are left out by add().
    entry.add("DRWATCH_PROBE", event.probe);
    entry.add("DRWATCH_COMPONENT", event.component);
    entry.add("DRWATCH_SCENARIO", event.scenario);
    entry.add("DRWATCH_INCIDENT", event.incident);
    entry.add("DRWATCH_REASON", reason_of(event));
    entry.send();
  }
  void line(Importance importance, const std::string& message, const std::map<std::string, std::string>& fields) override {
    Entry entry;
    entry.add("MESSAGE", message);
    entry.add("PRIORITY", std::to_string(priority(importance)));
    entry.add("SYSLOG_IDENTIFIER", "drwatch");
    for (const auto& [name, value] : fields) entry.add(name, value);
    entry.send();
  }
};

}  // namespace

std::unique_ptr<Log> make_journald_log() { return std::make_unique<JournaldLog>(); }

}  // namespace drwatch
