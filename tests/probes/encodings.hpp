// SPDX-License-Identifier: Apache-2.0
// The ways in which the other side may write a secret that it repeats. Written without the program's own tables.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace drwatch::testing {

struct Encoding {
  std::string name;
  std::function<std::string(const std::string&)> of;
  bool keeps_letters = false;      // an escape: most bytes stay as they are, so it may come on top of another
  std::size_t longest_letter = 1;  // bytes that one byte of the secret may become
};

// Whole ones; what base64 becomes within a longer text is for the tests to say.
const std::vector<Encoding>& encodings();

}  // namespace drwatch::testing
