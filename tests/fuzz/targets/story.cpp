// SPDX-License-Identifier: Apache-2.0
#include "daemon/story/story.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/fuzz/on_disk.hpp"

namespace story_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(story)(const std::uint8_t* data, std::size_t size) {
  config::Problems problems;
  const auto story = read_story(write_file("story.toml", text_of(data, size)), problems);
  must(story.has_value() || problems.any_error(), "either a story or an error");
  for (const auto& problem : problems.all()) must(!has_control(config::problem_text(problem)), "a problem is one line");
  if (story) must(!story->expectations.empty(), "a story that can't fail proves nothing");
  return 0;
}

}  // namespace story_target
