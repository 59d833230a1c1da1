// SPDX-License-Identifier: Apache-2.0
// From what the journal had to what the daemon goes on with.
#include "daemon/daemon.hpp"

#include <algorithm>

namespace drwatch {

void Histogram::observe(double value) {
  counts.resize(bounds.size() + 1);
  auto bucket = static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin());
  for (std::size_t i = bucket; i < counts.size(); ++i) ++counts[i];
  sum += value;
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
