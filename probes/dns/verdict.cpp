// SPDX-License-Identifier: Apache-2.0
#include "probes/dns/verdict.hpp"

#include "probes/probe.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <cctype>
#include <set>
#include <sstream>

namespace drwatch {
namespace {

using Texts = std::vector<std::string>;

// What one server's reply comes to.
struct Said {
  std::string server;
  bool answered = false;  // anything at all
  std::string code;       // why it is not good: TIMEOUT, SERVFAIL, NODATA, LAME, pin, NXDOMAIN, ...; empty: good
  std::string words;
  Texts records;
  std::optional<std::string> serial;
};

void sort_out(Texts& texts) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

bool holds(const Texts& all, const Texts& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& w) { return std::find(all.begin(), all.end(), w) != all.end(); });
}

std::string shown(const Texts& records) { return records.empty() ? "nothing" : listed(records); }

void judge_answer(const DnsDemands& d, const DnsAnswer& answer, Said& said) {
  said.records = records_of(answer, d.name, d.type);
  if (answer.rcode != d.rcode) {
    said.code = answer.rcode;
    said.words = "answers " + answer.rcode + (d.rcode == "NOERROR" ? "" : ", expected " + d.rcode);
  } else if (d.rcode == "NOERROR" && said.records.empty()) {
    said.code = "NODATA";
    said.words = "has no " + d.type + " record";
  } else if ((!d.expect.empty() && said.records != d.expect) || !holds(said.records, d.contains)) {
    said.code = "pin";
    said.words = "expected " + shown(d.expect.empty() ? d.contains : d.expect) + ", got " + shown(said.records);
  } else if (!d.among.empty()) {
    const auto stranger =
        std::find_if(said.records.begin(), said.records.end(), [&](const std::string& record) { return !lies_among(d.among, record); });
    if (stranger == said.records.end()) return;
    said.code = "pin";
    said.words = "expected none but " + shown(d.among) + ", got " + *stranger;
  }
}

// A server that is named for the zone must answer with authority and have the zone's SOA; one that does not is a lame delegation (RFC
// 9499).
void judge_authority(const DnsAnswer& answer, const Result<DnsAnswer>& soa, Said& said) {
  if (soa && soa->rcode == "NOERROR") said.serial = serial_of(*soa);
  if (!said.code.empty() || (answer.authoritative && said.serial)) return;
  said.code = "LAME";
  said.words = "is named for the zone and is no authority of it";
}

Said judge_reply(const DnsDemands& d, const DnsReply& reply) {
  Said said;
  said.server = reply.server;
  if (!reply.answer) {
    said.code = reply.answer.error().code;
    said.words = reply.answer.error().message;
    if (said.code.empty()) said.code = "failed";
    return said;
  }
  said.answered = true;
  judge_answer(d, *reply.answer, said);
  if (reply.soa) judge_authority(*reply.answer, *reply.soa, said);
  return said;
}

Reason reason_of(const DnsDemands& d, const Said& said) {
  return said.code == "pin" || (said.answered && d.rcode != "NOERROR") ? Reason::assertion : Reason::dns;
}

// Whether servers that answered differ in `what`. That some deny the name (NXDOMAIN, NODATA) while others do not is a difference as well.
bool differ(const std::vector<Said>& all, std::string Said::* what) {
  std::set<std::string> seen;
  for (const auto& said : all)
    if (said.answered) seen.insert(said.*what);
  return seen.size() > 1;
}

std::string each(const std::vector<Said>& all) {
  std::string text;
  for (const auto& said : all)
    text += (text.empty() ? "" : "; ") + said.server + ": " + (said.code.empty() ? shown(said.records) : said.code);
  return excerpt(text, 300);
}

// In the order in which a person should hear of it: a wrong answer, then no answer, then answers that differ, then versions that differ.
Outcome judge_all(const DnsDemands& d, std::vector<Said> all, std::size_t several) {
  const auto named = [&](const Said& said) { return d.name + (several > 1 ? " at " + said.server : "") + ": " + said.words; };
  const auto wrong = std::find_if(all.begin(), all.end(), [](const Said& s) { return s.code == "pin"; });
  if (wrong != all.end()) return outcome_of(Health::down, Reason::assertion, "pin", named(*wrong));
  const auto bad = std::find_if(all.begin(), all.end(), [](const Said& s) { return !s.code.empty(); });
  const bool any_good = std::any_of(all.begin(), all.end(), [](const Said& s) { return s.code.empty(); });
  if (bad != all.end()) return outcome_of(any_good ? Health::degraded : Health::down, reason_of(d, *bad), bad->code, named(*bad));
  std::vector<Said> told = all;
  for (auto& said : told) said.words = shown(said.records);
  if (d.agree && differ(told, &Said::words))
    return outcome_of(Health::degraded, Reason::assertion, "disagree", d.name + ": the servers do not answer the same: " + each(all));
  for (auto& said : told) said.words = said.serial.value_or("");
  if (differ(told, &Said::words)) {
    std::string serials;
    for (const auto& said : told) serials += (serials.empty() ? "" : "; ") + said.server + ": " + said.words;
    return outcome_of(Health::degraded, Reason::stale, "serial",
                      "the servers hold different versions of the zone: " + excerpt(serials, 300));
  }
  const std::string what = d.rcode == "NOERROR" ? shown(all.front().records) : d.rcode;
  return outcome_of(Health::up, Reason::none, "",
                    d.name + ": " + what + (several > 1 ? ", as " + std::to_string(several) + " servers say" : ""));
}

std::optional<std::uint32_t> ttl_of(const DnsAnswer& answer) {
  std::optional<std::uint32_t> least;
  for (const auto& record : answer.answers) least = std::min(least.value_or(record.ttl), record.ttl);
  return least;
}

void note_facts(const DnsDemands& d, const std::vector<DnsReply>& replies, const std::vector<Said>& all, Outcome& outcome) {
  Texts records;
  std::optional<std::uint32_t> ttl;
  for (std::size_t i = 0; i < all.size(); ++i) {
    records.insert(records.end(), all[i].records.begin(), all[i].records.end());
    if (all.size() > 1) outcome.facts["server " + all[i].server] = all[i].code.empty() ? shown(all[i].records) : all[i].code;
    if (all[i].serial) outcome.facts["serial"] = *all[i].serial;
    if (replies[i].answer)
      if (const auto own = ttl_of(*replies[i].answer)) ttl = std::min(ttl.value_or(*own), *own);
  }
  sort_out(records);
  if (!records.empty()) outcome.facts[d.type == "A" || d.type == "AAAA" ? "addresses" : "records"] = listed(records);
  if (ttl) outcome.facts["ttl_seconds"] = std::to_string(*ttl);
}

}  // namespace

std::string listed(const std::vector<std::string>& texts) {
  std::string text;
  for (std::size_t i = 0; i < texts.size() && i < 8; ++i) text += (i ? ", " : "") + excerpt(texts[i], 250);
  return texts.size() > 8 ? text + ", ..." : text;
}

bool is_network(const std::string& text, bool v6) {
  boost::system::error_code error;
  if (text.find('/') == text.npos) return false;
  if (v6)
    boost::asio::ip::make_network_v6(text, error);
  else
    boost::asio::ip::make_network_v4(text, error);
  return !error;
}

bool lies_among(const std::vector<std::string>& among, const std::string& record) {
  boost::system::error_code none;
  const auto address = boost::asio::ip::make_address(record, none);
  return std::any_of(among.begin(), among.end(), [&](const std::string& one) {
    if (one == record) return true;
    if (none || one.find('/') == one.npos) return false;
    boost::system::error_code error;
    if (address.is_v4()) {
      const auto network = boost::asio::ip::make_network_v4(one, error);
      return !error && boost::asio::ip::network_v4(address.to_v4(), network.prefix_length()).canonical() == network.canonical();
    }
    const auto network = boost::asio::ip::make_network_v6(one, error);
    return !error && boost::asio::ip::network_v6(address.to_v6(), network.prefix_length()).canonical() == network.canonical();
  });
}

Outcome unseen(const DnsDemands& demands, Outcome outcome) {
  // What a server says, and be it that it failed, was seen.
  constexpr std::string_view silence[] = {"TIMEOUT", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"};
  const bool silent = std::find(std::begin(silence), std::end(silence), outcome.code) != std::end(silence);
  if (outcome.outcome != Health::down || !demands.pins() || !silent) return outcome;
  outcome.outcome = Health::unknown;
  outcome.message += "; the record was not seen";
  return outcome;
}

std::string canonical_name(std::string name) {
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  return name;
}

std::string canonical_record(const std::string& type, const std::string& text) {
  if (type == "A" || type == "AAAA") {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(text, error);
    return error ? text : address.to_string();
  }
  // Quoted texts: case and blanks in them mean something.
  if (type == "TXT" || type == "CAA") return text;
  std::istringstream words(text);
  std::string made;
  for (std::string word; words >> word;) made += (made.empty() ? "" : " ") + canonical_name(word);
  return made;
}

std::vector<std::string> records_of(const DnsAnswer& answer, const std::string& name, const std::string& type) {
  std::string current = canonical_name(name);
  for (int alias = 0; alias < 16; ++alias) {
    Texts found;
    const DnsRecord* next = nullptr;
    for (const auto& record : answer.answers) {
      if (record.name != current) continue;
      if (record.type == type) found.push_back(canonical_record(type, record.text));
      if (record.type == "CNAME") next = &record;
    }
    sort_out(found);
    if (!found.empty() || !next) return found;
    current = next->text;
  }
  return {};  // aliases in a circle
}

std::optional<std::string> serial_of(const DnsAnswer& answer) {
  for (const auto& record : answer.answers) {
    if (record.type != "SOA") continue;
    std::istringstream words(record.text);
    std::string first, mailbox, serial;
    if (words >> first >> mailbox >> serial) return serial;
  }
  return std::nullopt;
}

Outcome judge_dns(const DnsDemands& demands, const std::vector<DnsReply>& replies) {
  std::vector<Said> all;
  for (const auto& reply : replies) all.push_back(judge_reply(demands, reply));
  if (all.empty()) return outcome_of(Health::unknown, Reason::own_fault, "", "this machine has no name servers to ask");
  const auto ours = std::find_if(replies.begin(), replies.end(), [](const DnsReply& r) {
    return !r.answer && (r.answer.error().reason == Reason::own_fault || r.answer.error().reason == Reason::internal);
  });
  Outcome outcome = ours != replies.end() ? outcome_of(ours->answer.error()) : judge_all(demands, all, all.size());
  note_facts(demands, replies, all, outcome);
  return outcome;
}

}  // namespace drwatch
