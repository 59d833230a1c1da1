// SPDX-License-Identifier: Apache-2.0
// drwatch journal backup | verify | show: the record itself, without a daemon.
#include "daemon/journal/journal.hpp"
#include "daemon/journal/backup.hpp"

#include "daemon/commands/client.hpp"
#include "daemon/commands/loading.hpp"
#include "daemon/commands/render.hpp"
#include "daemon/commands/saving.hpp"

#include <stdexcept>

namespace drwatch::commands {

std::string verdict_text(const std::string& file, const JournalVerdict& verdict) {
  std::string events = "no events";
  if (verdict.events > 0) events = "events " + std::to_string(verdict.first_seq) + " to " + std::to_string(verdict.last_seq);
  if (!verdict.broken)
    return file + ": " + events + ", the chain holds, last hash " + (verdict.last_hash.empty() ? "none" : verdict.last_hash) + "\n";
  return file + ": broken at event " + std::to_string(verdict.broken->seq) + ": " + verdict.broken->message + "; " +
         (verdict.events > 0 ? events + " before it are good" : "nothing before it") + "\n";
}

Json verdict_document(const JournalVerdict& verdict) {
  Json document{{"events", verdict.events},
                {"first_seq", verdict.events > 0 ? Json(verdict.first_seq) : Json(nullptr)},
                {"last_seq", verdict.events > 0 ? Json(verdict.last_seq) : Json(nullptr)},
                {"last_hash", verdict.last_hash.empty() ? Json(nullptr) : Json(verdict.last_hash)},
                {"broken", nullptr}};
  if (verdict.broken) document["broken"] = Json{{"seq", verdict.broken->seq}, {"message", verdict.broken->message}};
  return document;
}

std::string event_line(const Event& event, const Paint& paint) {
  const Importance how = importance(event);
  const Ink ink = how == Importance::error ? Ink::bad : how == Importance::warning ? Ink::warn : Ink::plain;
  std::string by = event.by == "drwatch" || event.by.empty() ? "" : "  (" + one_line(event.by) + ")";
  return paint(Ink::dim, std::to_string(event.seq) + "  " + time_text(event.at) + "  " + event.kind) + "  " +
         paint(ink, one_line(event.message)) + by + "\n";
}

int journal_backup(const JournalOptions& options) {
  JournalVerdict verdict;
  if (options.through_daemon) {
    Client client(options.client);
    verdict = save_journal(options.file, client.download("/api/v1/journal"));
    print(options.json ? verdict_document(verdict).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                       : verdict_text(options.file, verdict));
    return 0;
  }
  try {
    const std::string path = options.config.empty() ? options.journal : load_or_refuse(options.config)->journal.path;
    verdict = backup_journal(path, options.file);
  } catch (const CommandRefused&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw CommandRefused(error.what());
  }
  print(options.json ? verdict_document(verdict).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                     : verdict_text(options.file, verdict));
  return verdict.broken ? 1 : 0;
}

int journal_verify(const JournalOptions& options) {
  JournalVerdict verdict;
  try {
    verdict = verify_journal(options.file);
  } catch (const std::runtime_error& error) {
    throw CommandRefused(error.what());
  }
  print(options.json ? verdict_document(verdict).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                     : verdict_text(options.file, verdict));
  return verdict.broken ? 1 : 0;
}

int journal_show(const JournalOptions& options) {
  const Paint paint = Paint::for_output();
  bool first = true;
  std::string failed;
  try {
    read_journal(options.file, [&](const Event& event) {
      if (!options.incident.empty() && event.incident != options.incident) return;
      if (options.json) {
        print((first ? "{\"events\": [\n" : ",\n") + to_json(event).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        first = false;
      } else {
        print(event_line(event, paint));
      }
    });
  } catch (const std::runtime_error& error) {
    failed = error.what();
  }
  // One document in any case: what could be read before the damage and what is wrong, or the problem alone.
  CommandRefused refused(failed);
  if (options.json && (!first || failed.empty())) {
    print(std::string(first ? "{\"events\": [" : "") + "\n], \"next\": null" +
          (failed.empty() ? "" : ", \"problem\": " + refused_document(refused)) + "}\n");
    refused.told = true;
  }
  if (!failed.empty()) throw refused;
  return 0;
}

}  // namespace drwatch::commands
