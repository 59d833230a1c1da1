// SPDX-License-Identifier: Apache-2.0
#include "daemon/restore.hpp"

namespace drwatch {

void remember(RecentEvents& recent, Event event) {
  // A reader of events has the record elsewhere, and in one piece.
  if (event.kind == "journal.resumed") event.body = event.body.without("record");
  recent.push_back(std::make_shared<const Event>(std::move(event)));
  if (recent.size() > recent_events) recent.pop_front();
}

Restored restore(JournalContents contents, const std::function<void(const std::function<void(const Event&)>&)>& all) {
  Restored r;
  r.notice = contents.notice;
  bool whole = true;
  if (contents.snapshot) {
    auto record = record_of_snapshot(contents.snapshot->second);
    if (record) {
      r.record = std::move(*record);
      for (const Event& e : contents.events) apply(r.record, e);
    }
    // A snapshot and the events after it must lead to the last event of the journal. If they do not, some are missing, and a record with
    // holes would be worse than a slow start.
    whole = record && r.record.seq == contents.last_seq;
    if (!whole) {
      r.record = {};
      all([&](const Event& e) { apply(r.record, e); });
    }
  } else {
    for (const Event& e : contents.events) apply(r.record, e);
  }
  for (Event& event : contents.earlier) remember(r.recent, std::move(event));
  for (Event& event : contents.events) remember(r.recent, std::move(event));
  for (const auto& [key, text] : contents.kept) {
    // Kept values of two kinds stand in one table: those of the heart, and the answers to idempotency keys.
    if (key.starts_with("answer/"))
      r.answers[key.substr(7)] = text;
    else
      restore_kept(r.kept, key, text);
  }
  return r;
}

}  // namespace drwatch
