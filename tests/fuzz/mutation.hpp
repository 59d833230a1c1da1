// SPDX-License-Identifier: Apache-2.0
// Inputs made of other inputs, the same ones each time.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace drwatch::fuzz {

class Mutation {
 public:
  explicit Mutation(std::uint64_t seed) : dice_(seed) {}
  // One of the seeds, changed in one to four ways; at most `longest` bytes.
  std::string of(const std::vector<std::string>& seeds);

  static constexpr std::size_t longest = 32 * 1024;

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(dice_() % n); }
  void change(std::string& text, const std::vector<std::string>& seeds);
  std::string token();

  std::mt19937_64 dice_;
};

}  // namespace drwatch::fuzz
