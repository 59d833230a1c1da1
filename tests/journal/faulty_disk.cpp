// SPDX-License-Identifier: Apache-2.0
#include "tests/journal/faulty_disk.hpp"

#include <sqlite3.h>

#include <map>
#include <utility>

namespace drwatch::journal_tests {

namespace {

std::atomic<int> syncs, writes, failures;
std::function<void()> before_write;
std::atomic<bool> has_before_write = false;
sqlite3_vfs vfs;

// SQLite's own methods differ by kind of file; each set gets its faulty twin.
struct Twin {
  sqlite3_io_methods methods;  // first: a file's methods point at its twin
  const sqlite3_io_methods* real;
};
std::map<const sqlite3_io_methods*, Twin> twins;
const sqlite3_io_methods* real_of(sqlite3_file* file) { return reinterpret_cast<const Twin*>(file->pMethods)->real; }

bool fails(std::atomic<int>& left) {
  if (left == 0) return false;
  if (left > 0) --left;
  ++failures;
  return true;
}

int faulty_sync(sqlite3_file* file, int flags) { return fails(syncs) ? SQLITE_IOERR_FSYNC : real_of(file)->xSync(file, flags); }
int faulty_write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 at) {
  if (has_before_write.exchange(false)) std::exchange(before_write, nullptr)();
  return fails(writes) ? SQLITE_FULL : real_of(file)->xWrite(file, bytes, count, at);
}

int open_on_it(sqlite3_vfs* self, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* real = static_cast<sqlite3_vfs*>(self->pAppData);
  const int code = real->xOpen(real, name, file, flags, out_flags);
  if (code != SQLITE_OK || !file->pMethods) return code;
  const auto [at, made] = twins.try_emplace(file->pMethods, Twin{*file->pMethods, file->pMethods});
  at->second.methods.xSync = faulty_sync;
  at->second.methods.xWrite = faulty_write;
  file->pMethods = &at->second.methods;
  return code;
}

}  // namespace

FaultyDisk::FaultyDisk() : failing_syncs(syncs), failing_writes(writes), failed(failures) {
  syncs = writes = failures = 0;
  sqlite3_initialize();
  sqlite3_vfs* real = sqlite3_vfs_find(nullptr);
  vfs = *real;
  vfs.zName = "faulty";
  vfs.pAppData = real;
  vfs.pNext = nullptr;
  vfs.xOpen = open_on_it;
  sqlite3_vfs_register(&vfs, 1);
}

void FaultyDisk::before_next_write(std::function<void()> does) {
  before_write = std::move(does);
  has_before_write = true;
}

FaultyDisk::~FaultyDisk() {
  has_before_write = false;
  sqlite3_vfs_unregister(&vfs);
}

}  // namespace drwatch::journal_tests
