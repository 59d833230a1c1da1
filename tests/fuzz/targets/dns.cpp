// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/dns/message.hpp"
#include "probes/dns/verdict.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace dns_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(dns)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  const auto answer = read_dns_answer(text);
  if (!answer) return 0;
  for (const auto* section : {&answer->answers, &answer->authority}) {
    must(section->size() <= 256, "a section is bounded");
    for (const DnsRecord& record : *section) {
      must(record.text.size() <= 4099, "a record is bounded");
      must(record.name.size() <= 4 * 255, "a name is bounded");
      must(!has_control(record.name), "a name is shown escaped");
    }
  }
  DnsDemands demands;
  demands.name = "example.org";
  demands.expect = {"192.0.2.80"};
  const Outcome outcome = judge_dns(demands, {DnsReply{"192.0.2.53:53", *answer, std::nullopt}});
  must(outcome.outcome != Health::up || text.find("\xc0\x00\x02\x50"[0]) != text.npos, "an address that is not there is not found");
  must(outcome.outcome != Health::up || answer->rcode == "NOERROR", "a failure is not well");
  must(outcome.message.size() < 3000, "what is said is short");
  return 0;
}

}  // namespace dns_target
