// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/dns/resolver.hpp"

#include "config/rows/url.hpp"
#include "daemon/world/bell.hpp"
#include "daemon/world/dns/ares_lookup.hpp"
#include "daemon/world/dns/message.hpp"

#include <boost/asio/ip/address.hpp>

namespace drwatch {
namespace {

// ares_library_init(3) must not be called by two threads at once; a static's initialization is (C++11), and happens once.
void start_ares() {
  static const int started = ares_library_init(ARES_LIB_INIT_ALL);
  (void)started;
}

// c-ares' errors, as the code that rules and dashboards see and as words for a person.
struct Meaning {
  int status;
  const char* code;
  const char* words;
};
constexpr Meaning meanings[] = {
    {ARES_ENOTFOUND, "NXDOMAIN", "the name does not exist"},
    {ARES_ENODATA, "NODATA", "the name has no address of the kind asked for"},
    {ARES_ESERVFAIL, "SERVFAIL", "the name server failed"},
    {ARES_EREFUSED, "REFUSED", "the name server refused to answer"},
    {ARES_EFORMERR, "FORMERR", "the name server did not understand the question"},
    {ARES_ENOTIMP, "NOTIMP", "the name server cannot answer such a question"},
    {ARES_ETIMEOUT, "TIMEOUT", "no answer from the name server"},
    {ARES_ECONNREFUSED, "ECONNREFUSED", "no name server accepts questions"},
    {ARES_EBADRESP, "BADRESP", "the name server's answer makes no sense"},
    {ARES_EBADNAME, "BADNAME", "not a name that DNS can carry"},
    {ARES_EBADSTR, "BADNAME", "not a name that DNS can carry"},
};

Failure failure_of(int status, const std::string& name, const std::vector<std::string>& servers) {
  std::string whom;
  for (const auto& server : servers) whom += (whom.empty() ? " at " : ", ") + server;
  for (const auto& m : meanings) {
    if (m.status == status) return {Reason::dns, m.code, "cannot resolve " + name + whom + ": " + m.words};
  }
  // No memory, or /etc/resolv.conf cannot be read: this machine's trouble.
  const bool ours = status == ARES_ENOMEM || status == ARES_EFILE;
  return {ours ? Reason::own_fault : Reason::dns, "", "cannot resolve " + name + whom + ": " + ares_strerror(status)};
}

// nullopt: it is a name. An address, with or without the brackets of a URL, is its own answer unless it is of the wrong family.
std::optional<Result<Resolved>> numeric(const std::string& name, Family family) {
  std::string bare = name;
  if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
  boost::system::error_code not_numeric;
  auto address = boost::asio::ip::make_address(bare, not_numeric);
  if (not_numeric) return std::nullopt;
  if ((family == Family::v4 && !address.is_v4()) || (family == Family::v6 && !address.is_v6())) {
    return Result<Resolved>(Failure{Reason::dns, "NODATA", bare + " is not an IPv" + (family == Family::v4 ? "4" : "6") + " address"});
  }
  return Result<Resolved>(Resolved{{bare}, seconds(0)});
}

// Ends the look-up wherever the waiting for it ends, also by cancellation.
struct Ending {
  explicit Ending(std::shared_ptr<AresLookup> l) : lookup(std::move(l)) {}
  Ending(Ending&& other) = default;
  Ending& operator=(Ending&&) = default;
  ~Ending() {
    if (lookup) lookup->end();
  }
  std::shared_ptr<AresLookup> lookup;
};

Task<std::pair<int, Resolved>> look_up(boost::asio::any_io_executor loop, std::string name, Family family, std::vector<std::string> servers,
                                       bool last_word) {
  auto lookup = std::make_shared<AresLookup>(loop, servers, last_word);
  Ending ending{lookup};
  lookup->begin(name, family);
  co_await Bell::wait(lookup->done());
  co_return std::pair(lookup->status, std::move(lookup->answer));
}

// The server has an answer that does not fit a datagram (RFC 1035, 4.2.1: the bit TC), and takes no connection for the rest: c-ares tells
// of the connection alone, as if nobody were there. So the datagram is asked for once more and kept.
Task<bool> is_cut_short(boost::asio::any_io_executor loop, DnsQuestion question) {
  const std::vector<std::string> server{question.server};
  auto lookup =
      std::make_shared<AresLookup>(loop, server, true, ARES_FLAG_EDNS | ARES_FLAG_IGNTC | (question.recursive ? 0 : ARES_FLAG_NORECURSE));
  Ending ending{lookup};
  lookup->begin(question.name, dns_type_number(question.type));
  co_await Bell::wait(lookup->done());
  constexpr unsigned char truncated = 0x02;  // of the third byte of a message
  co_return lookup->bytes && lookup->bytes->size() > 2 && (static_cast<unsigned char>((*lookup->bytes)[2]) & truncated) != 0;
}

Failure cut_short(const DnsQuestion& question) {
  return {Reason::dns, "TRUNCATED",
          "cannot resolve " + question.name + " at " + question.server +
              ": its answer does not fit a datagram, and it takes no connection (TCP) for the whole of it"};
}

Result<DnsAnswer> answer_of(AresLookup& lookup, const DnsQuestion& question) {
  const std::vector<std::string> server{question.server};
  if (!lookup.bytes) return failure_of(lookup.status, question.name, server);
  if (auto answer = read_dns_answer(*lookup.bytes)) return std::move(*answer);
  return failure_of(ARES_EBADRESP, question.name, server);
}

// The server answered, but not about the name: another server may know better.
bool server_trouble(int status) { return status == ARES_ESERVFAIL || status == ARES_EREFUSED || status == ARES_ENOTIMP; }

}  // namespace

RealResolver::RealResolver(boost::asio::any_io_executor loop) : loop_(std::move(loop)) { start_ares(); }

Task<Result<Resolved>> RealResolver::resolve(std::string name, Family family, std::vector<std::string> servers) {
  if (auto address = numeric(name, family)) co_return std::move(*address);
  if (auto ascii = config::ascii_name(name)) name = std::move(*ascii);  // of a dsn, which nobody looked into before
  auto [status, answer] = co_await look_up(loop_, name, family, servers, true);
  // c-ares can do one of two things: stop at the first server's SERVFAIL, or try all servers, but then it reports ECONNREFUSED when none of
  // them helped and the SERVFAIL is forgotten. So the question is asked a second time, of all servers, and the first answer is kept when
  // that brought nothing better.
  if (server_trouble(status) && servers.size() != 1) {
    auto [second, better] = co_await look_up(loop_, name, family, servers, false);
    if (second != ARES_ECONNREFUSED) {
      status = second;
      answer = std::move(better);
    }
  }
  if (status == ARES_SUCCESS && answer.addresses.empty()) status = ARES_ENODATA;
  if (status != ARES_SUCCESS) co_return failure_of(status, name, servers);
  co_return std::move(answer);
}

Task<std::vector<Result<DnsAnswer>>> RealResolver::ask(std::vector<DnsQuestion> questions) {
  // All are under way at once; that they are waited for one after the other costs nothing.
  std::vector<Ending> lookups;
  for (const DnsQuestion& question : questions) {
    const std::vector<std::string> server{question.server};
    const int flags = ARES_FLAG_EDNS | (question.recursive ? 0 : ARES_FLAG_NORECURSE);
    lookups.push_back(Ending{std::make_shared<AresLookup>(loop_, server, true, flags)});
    lookups.back().lookup->begin(question.name, dns_type_number(question.type));
  }
  std::vector<Result<DnsAnswer>> answers;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    co_await Bell::wait(lookups[i].lookup->done());
    answers.push_back(answer_of(*lookups[i].lookup, questions[i]));
    const bool refused = !answers.back() && answers.back().error().code == "ECONNREFUSED";
    if (refused && co_await is_cut_short(loop_, questions[i])) answers.back() = cut_short(questions[i]);
  }
  co_return answers;
}

std::vector<std::string> RealResolver::system_servers() { return AresLookup::system_servers(); }

}  // namespace drwatch
