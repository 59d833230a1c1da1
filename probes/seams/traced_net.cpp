// SPDX-License-Identifier: Apache-2.0
// Names, connections and what goes over them, as the tracer tells it.
#include "config/rows/text.hpp"
#include "probes/seams/excerpt.hpp"
#include "probes/seams/traced_seams.hpp"

namespace drwatch {
namespace {

std::string_view family_words(Family family) { return family == Family::v4 ? " (IPv4)" : family == Family::v6 ? " (IPv6)" : ""; }

std::string answer_words(const DnsAnswer& answer) {
  std::string text = answer.rcode + (answer.authoritative ? ", authoritative" : "");
  for (const auto* section : {&answer.answers, &answer.authority})
    for (const DnsRecord& record : *section) text += "; " + record.name + " " + record.type + " " + record.text;
  return text;
}

std::string certificate_words(const TlsShown& shown) {
  std::string text = shown.version + (shown.cipher.empty() ? "" : " " + shown.cipher);
  if (!shown.sent.empty()) {
    const PeerCertificate& own = shown.sent.front();
    text += "; certificate of " + own.subject + " by " + own.issuer + " until " + time_text(own.until);
  }
  for (const TlsFault& fault : shown.faults) text += "; " + fault.message;
  return text;
}

// Writes down exchanges: what is sent and everything that is read until the next sending is one; what comes before anything was sent is one
// as well ("(listens)").
class TracedStream : public Stream {
 public:
  TracedStream(std::unique_ptr<Stream> inner, Tracer& tracer) : inner_(std::move(inner)), tracer_(tracer) {}

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    if (exchange_)
      tracer_.again(*exchange_);
    else
      exchange_ = tracer_.begin("(listens)");
    auto got = co_await inner_->read_some(into);
    if (!got)
      tracer_.end(*exchange_, (heard_ ? ", then " : "") + failure_words(got.error()), true);
    else if (*got == 0)
      tracer_.end(*exchange_, heard_ ? ", then the other side ended" : "the other side ended");
    else
      tracer_.end(*exchange_, std::string_view(into.data(), *got));
    heard_ = true;
    co_return got;
  }

  Task<Result<std::size_t>> write_all(std::string bytes) override {
    exchange_ = tracer_.begin("send " + std::to_string(bytes.size()) + " bytes: " + bytes);
    heard_ = false;
    auto sent = co_await inner_->write_all(std::move(bytes));
    tracer_.end(*exchange_, sent ? "" : failure_words(sent.error()), !sent);
    co_return sent;
  }

  Task<Result<std::size_t>> finish() override {
    const auto id = tracer_.begin("end the connection");
    auto ended = co_await inner_->finish();
    tracer_.end(id, ended ? "ended" : failure_words(ended.error()), !ended);
    co_return ended;
  }

  std::unique_ptr<Stream> take_inner() { return std::move(inner_); }

 private:
  std::unique_ptr<Stream> inner_;
  Tracer& tracer_;
  std::optional<Tracer::Id> exchange_;
  bool heard_ = false;  // something, in this exchange
};

}  // namespace

std::string failure_words(const Failure& failure) { return failure.message + (failure.code.empty() ? "" : " (" + failure.code + ")"); }

Task<Result<Resolved>> TracedResolver::resolve(std::string name, Family family, std::vector<std::string> servers) {
  const auto id = tracer_.begin("resolve " + name + std::string(family_words(family)) + (servers.empty() ? "" : " at " + joined(servers)));
  auto found = co_await inner_.resolve(std::move(name), family, std::move(servers));
  tracer_.end(id, found ? joined(found->addresses) : failure_words(found.error()), !found);
  co_return found;
}

Task<std::vector<Result<DnsAnswer>>> TracedResolver::ask(std::vector<DnsQuestion> questions) {
  std::vector<Tracer::Id> ids;
  for (const DnsQuestion& question : questions)
    ids.push_back(tracer_.begin("ask " + question.server + " for " + question.type + " of " + question.name +
                                (question.recursive ? "" : ", what it knows by itself")));
  auto answers = co_await inner_.ask(std::move(questions));
  for (std::size_t i = 0; i < answers.size() && i < ids.size(); ++i)
    tracer_.end(ids[i], answers[i] ? answer_words(*answers[i]) : failure_words(answers[i].error()), !answers[i]);
  co_return answers;
}

Task<Result<Connected>> TracedNet::connect(std::string host, std::uint16_t port, Family family, std::optional<TlsSettings> tls,
                                           Phases& phases) {
  const PhasesKept kept(tracer_, phases);
  const auto id = tracer_.begin("connect to " + host + ":" + std::to_string(port) + std::string(family_words(family)) +
                                (tls ? tls->verify ? ", TLS" : ", TLS without verifying" : ""));
  // A run without a deadline has more time than any address needs.
  const auto left = tracer_.left().value_or(std::chrono::hours{1});
  auto connected = co_await inner_.connect_within(std::move(host), port, family, std::move(tls), phases, left);
  if (!connected) {
    tracer_.end(id, failure_words(connected.error()), true);
    co_return connected.error();
  }
  std::string words = "connected to " + connected->address;
  for (const auto& [name, value] : connected->facts) words += ", " + name + " " + value;
  tracer_.end(id, words);
  connected->stream = std::make_unique<TracedStream>(std::move(connected->stream), tracer_);
  co_return std::move(*connected);
}

Task<Result<std::unique_ptr<Stream>>> TracedNet::secure(std::unique_ptr<Stream> stream, TlsSettings settings, std::string name,
                                                        TlsShown& shown, Phases& phases) {
  const PhasesKept kept(tracer_, phases);
  const auto id = tracer_.begin("begin TLS as a client of " + name);
  // The world only knows streams of its own.
  if (auto* traced = dynamic_cast<TracedStream*>(stream.get())) stream = traced->take_inner();
  auto secured = co_await inner_.secure(std::move(stream), std::move(settings), std::move(name), shown, phases);
  std::string words = certificate_words(shown);
  if (!secured) words += (words.empty() ? "" : "; ") + failure_words(secured.error());
  tracer_.end(id, words, !secured);
  if (!secured) co_return secured.error();
  co_return std::unique_ptr<Stream>(std::make_unique<TracedStream>(std::move(*secured), tracer_));
}

Task<Result<std::chrono::microseconds>> TracedNet::echo(std::string address, std::size_t payload, Duration patience) {
  const auto id = tracer_.begin("ICMP echo to " + address + ", " + std::to_string(payload) + " bytes");
  auto took = co_await inner_.echo(std::move(address), payload, patience);
  tracer_.end(id, took ? "answered after " + std::to_string(took->count()) + " us" : failure_words(took.error()), !took);
  co_return took;
}

}  // namespace drwatch
