// SPDX-License-Identifier: Apache-2.0
#include "probes/probe.hpp"

#include <algorithm>
#include <array>

namespace drwatch {
namespace {

// What the system says when drwatch's own machine is at its limits: nothing was learnt about the target, so the outcome is unknown.
// ENETUNREACH and EHOSTUNREACH are not among them: whether our network is gone or theirs is what the witnesses are asked, and without that
// answer a target that cannot be reached must not be hidden.
constexpr std::array<std::string_view, 9> own_limits = {"EMFILE", "ENFILE", "ENOBUFS",      "ENOMEM",         "EADDRNOTAVAIL",
                                                        "EPERM",  "EACCES", "EAFNOSUPPORT", "EPROTONOSUPPORT"};

bool own(const Failure& failure) { return std::find(own_limits.begin(), own_limits.end(), failure.code) != own_limits.end(); }

}  // namespace

const Kind* kind_named(std::string_view name) {
  const auto at = std::find_if(catalog().begin(), catalog().end(), [&](const Kind& kind) { return kind.schema.name == name; });
  return at == catalog().end() ? nullptr : &*at;
}

std::vector<config::KindSchema> kind_schemas() {
  std::vector<config::KindSchema> schemas;
  for (const Kind& kind : catalog()) schemas.push_back(kind.schema);
  return schemas;
}

std::unique_ptr<Probe> make_probe(const ProbeSettings& settings) {
  const Kind* kind = kind_named(settings.kind);  // the loader refuses unknown ones
  return kind && kind->make ? kind->make(settings) : nullptr;
}

Outcome outcome_of(const Failure& failure) {
  if (failure.reason == Reason::own_fault || own(failure))
    return outcome_of(Health::unknown, Reason::own_fault, failure.code, failure.message);
  if (failure.reason == Reason::internal || failure.reason == Reason::none)
    return outcome_of(Health::unknown, Reason::internal, failure.code, failure.message);
  return outcome_of(Health::down, failure.reason, failure.code, failure.message);
}

}  // namespace drwatch
