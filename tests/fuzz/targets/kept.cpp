// SPDX-License-Identifier: Apache-2.0
// A kept value's text, first line its key: what is read is written as it is read.
#include "daemon/recovery/record/state.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace kept_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(kept)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  const std::string key(take_line(text));
  Kept kept, again;
  restore_kept(kept, key, std::string(text));
  const std::string written = kept_text(kept, key);
  restore_kept(again, key, written);
  must(kept_text(again, key) == written, "a kept value survives being written");
  return 0;
}

}  // namespace kept_target
