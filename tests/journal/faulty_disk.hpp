// SPDX-License-Identifier: Apache-2.0
// A disk that fails on command: SQLite's own layer over the real files, with an error put in at a write or a sync.
#pragma once

#include <atomic>
#include <functional>

namespace drwatch::journal_tests {

struct FaultyDisk {
  FaultyDisk();                      // every journal opened from here on lies on it
  ~FaultyDisk();                     // the real one again
  std::atomic<int>& failing_syncs;   // that many of the next syncs fail; negative: all
  std::atomic<int>& failing_writes;  // ... writes, with ENOSPC
  std::atomic<int>& failed;          // so many did
  // Called before the next write, once, by who writes. Set while nobody does.
  void before_next_write(std::function<void()> does);
};

}  // namespace drwatch::journal_tests
