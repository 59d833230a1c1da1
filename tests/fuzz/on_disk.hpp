// SPDX-License-Identifier: Apache-2.0
// A file with these bytes, for what reads files; one place a process.
#pragma once

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace drwatch::fuzz {

inline const std::string& folder() {
  static const std::string made = [] {
    std::string path = "/tmp/drwatch-fuzz-XXXXXX";
    if (!::mkdtemp(path.data())) std::abort();
    static const std::string kept = path;
    std::atexit([] { [[maybe_unused]] const int gone = std::system(("rm -rf " + kept).c_str()); });
    return path;
  }();
  return made;
}

inline std::string write_file(const std::string& name, std::string_view text) {
  const std::string path = folder() + "/" + name;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  return path;
}

}  // namespace drwatch::fuzz
