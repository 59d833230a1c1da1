// SPDX-License-Identifier: Apache-2.0
#include "daemon/restore.hpp"

namespace drwatch {

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
    whole = record && r.record.seq == contents.last_seq;
    if (!whole) {
      r.record = {};
      all([&](const Event& e) { apply(r.record, e); });
    }
  } else {
    for (const Event& e : contents.events) apply(r.record, e);
  }
  for (const auto& [key, text] : contents.kept) {
    if (key.starts_with("answer/"))
      r.answers[key.substr(7)] = text;
    else
      restore_kept(r.kept, key, text);
  }
  return r;
}

}  // namespace drwatch
