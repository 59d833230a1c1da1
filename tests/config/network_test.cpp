// SPDX-License-Identifier: Apache-2.0
#include "config/rows/network.hpp"

#include <doctest/doctest.h>

namespace drwatch::test::network_test {

TEST_CASE("a network holds what begins as it does") {
  std::string wrong, hint;
  const auto holds = [&](const char* network, const char* address) {
    CAPTURE(network);
    CAPTURE(address);
    const auto parsed = parse_network(network, wrong, hint);
    REQUIRE(parsed);
    return parsed->contains(*parse_address(address));
  };
  CHECK(holds("10.0.0.0/8", "10.255.255.255"));
  CHECK_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  CHECK(holds("172.16.0.0/12", "172.31.0.1"));
  CHECK_FALSE(holds("172.16.0.0/12", "172.32.0.1"));
  CHECK(holds("192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(holds("192.0.2.7", "192.0.2.6"));
  CHECK(holds("10.0.0.0/8", "::ffff:10.1.1.1"));
  CHECK_FALSE(holds("10.0.0.0/8", "a00::1"));
  CHECK(holds("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(holds("128.0.0.0/1", "255.0.0.1"));
  CHECK_FALSE(holds("8000::/1", "255.0.0.1"));
}

TEST_CASE("what is no address") {
  for (const char* text :
       {"", "10", "10.0.0", "10.0.0.0.0", "256.0.0.1", "::g", "1::2::3", " 10.0.0.1", "10.0.0.1 ", "fe80::1%lo", "localhost"})
    CHECK_FALSE(parse_address(text));
  CHECK_FALSE(parse_address(std::string_view("10.0.0.1\0x", 10)));
  for (const char* text : {"10.0.0.1", "2001:db8::1", "::1"}) CHECK(address_text(*parse_address(text)) == text);
  CHECK(address_text(*parse_address("::ffff:10.0.0.1")) == "10.0.0.1");
  std::string wrong, hint;
  for (const char* text : {"/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/08x", "::/129", "10.0.0.0/0", "10.0.0.1/31"}) {
    wrong.clear();
    CHECK_FALSE(parse_network(text, wrong, hint));
    CHECK_FALSE(wrong.empty());
  }
}

}  // namespace drwatch::test::network_test
