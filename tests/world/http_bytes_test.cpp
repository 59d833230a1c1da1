// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/net/http_reader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace http_bytes_test {

using namespace drwatch;

TEST_CASE("http reader: no bytes, in no pieces, upset it or get past its bounds") {
  constexpr std::size_t most = 10000;
  const std::string seeds[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-A: b\r\n\r\nhello world",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n",
      "HTTP/1.0 301 Moved\r\nLocation: /x\r\n\r\n<html>",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
  };
  std::mt19937 dice(20260302);
  const std::string spice("\r\n: ;0f\0\xff", 10);
  int whole = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = seeds[dice() % std::size(seeds)];
    for (int changes = static_cast<int>(dice() % 4); changes > 0 && !bytes.empty(); --changes) {
      const auto at = dice() % bytes.size();
      switch (dice() % 4) {
        case 0:
          bytes[at] = static_cast<char>(dice());
          break;
        case 1:
          bytes[at] = spice[dice() % spice.size()];
          break;
        case 2:
          bytes.erase(at, dice() % 20);
          break;
        default:
          bytes.insert(at, std::string(dice() % 3 ? dice() % 8 : dice() % 20000, spice[dice() % spice.size()]));
      }
    }
    HttpReader reader(dice() % 8 == 0, most, "test");
    bool failed = false;
    for (std::size_t taken = 0; taken < bytes.size() && !reader.done() && !failed;) {
      const auto space = reader.space();
      const std::size_t n = std::min({space.size(), bytes.size() - taken, std::size_t{1} + dice() % 64});
      std::memcpy(space.data(), bytes.data() + taken, n);
      taken += n;
      failed = reader.take(n).has_value();
    }
    if (!failed && !reader.done()) failed = reader.take_end().has_value();
    if (!failed) ++whole;
    CHECK(reader.response().body.size() <= most);
  }
  CHECK(whole > 1000);
}

}  // namespace http_bytes_test
