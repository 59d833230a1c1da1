// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/world/disk.hpp"

namespace drwatch {

// Reads folders and files on a thread of the disk's: a disk or a network mount may hang, and the loop must not hang with it. Cancelled, the
// call ends at once; until the kernel answers, the same path fails at once with own-fault.
class RealFiles : public Files {
 public:
  explicit RealFiles(Disk& disk) : disk_(disk) {}
  // `look` is given the entries of one folder (not of the folders in it), sorted by name, without "." and "..". Sub-folders are among them,
  // and a symbolic link is described by what it leads to. Fails with absent (ENOENT, ENOTDIR), own-fault (EACCES, EPERM, EMFILE, ENFILE;
  // ETIMEDOUT: it hangs), protocol (EFBIG: more than a million entries), internal for anything else.
  Task<Result<Listed>> list(std::string folder, std::function<void(std::vector<FileEntry>)> look) override;
  // The whole content of a regular file, a link followed. Fails as `list` does; with protocol when it is not a regular file, and with
  // protocol and the code EFBIG when it has more than `max_bytes`.
  Task<Result<std::string>> read(std::string path, std::size_t max_bytes) override;
  Task<std::optional<Failure>> beside(std::string path, std::function<void()> work) override;

 private:
  Disk& disk_;
};

}  // namespace drwatch
