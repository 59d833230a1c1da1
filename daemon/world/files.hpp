// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/world/workers.hpp"

namespace drwatch {

class RealFiles : public Files {
 public:
  explicit RealFiles(Workers& workers) : workers_(workers) {}
  // All entries but "." and "..", folders too; a link counts as what it leads to. At most a million.
  Task<Result<std::vector<FileEntry>>> list(std::string folder) override;
  // Only regular files. A larger one fails with protocol, EFBIG.
  Task<Result<std::string>> read(std::string path, std::size_t max_bytes) override;

 private:
  Workers& workers_;
};

}  // namespace drwatch
