// SPDX-License-Identifier: Apache-2.0
// Opening the journal at the start: its folder may lie on a mount whose server is away, and then opening it takes for ever.
#pragma once

#include "daemon/journal/journal.hpp"
#include "daemon/log/log.hpp"
#include "daemon/restore.hpp"
#include "daemon/world/disk.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace drwatch::commands {

struct OpenedJournal {
  std::unique_ptr<Journal> journal;
  Restored restored;
};

// Opens and reads the journal on a thread of the disk's, and runs `loop` meanwhile. When that takes long, the log says once where it hangs,
// and once that it goes on. False: SIGTERM or SIGINT came first; the thread is left behind, and brings nothing. Throws as
// open_sqlite_journal() does.
bool open_journal(boost::asio::io_context& loop, Disk& disk, Clock& clock, Log& log, const std::string& path, OpenedJournal& into);

}  // namespace drwatch::commands
