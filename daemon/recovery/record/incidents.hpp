// SPDX-License-Identifier: Apache-2.0
// All incidents that are still listed, by id. Readers are given a copy of everything after every event, and an incident with its steps,
// guides and timeline is large: copies share those that are over, of which there may be a thousand, and have live ones of their own.
#pragma once

#include "daemon/recovery/record/incident.hpp"

#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace drwatch {

// A std::map<std::string, Incident> to look at; changed only by put(), edit() and erase(). A reference to an incident holds until it is
// erased, or, when it is over, until it is edited after a copy was made: then it goes on to show what the copy shows, while the copy lives.
class Incidents {
 public:
  using key_type = std::string;
  using mapped_type = Incident;
  using value_type = std::pair<const std::string&, const Incident&>;

 private:
  struct Entry {
    std::shared_ptr<Incident> incident;
    mutable bool shared = false;  // with a copy, which another thread may be reading: never changed any more
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

 public:
  class const_iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = Incidents::value_type;
    using difference_type = std::ptrdiff_t;
    using reference = value_type;
    struct pointer {
      value_type value;
      const value_type* operator->() const { return &value; }
    };

    const_iterator() = default;
    explicit const_iterator(Entries::const_iterator at) : at_(at) {}
    value_type operator*() const { return {at_->first, *at_->second.incident}; }
    pointer operator->() const { return {**this}; }
    const_iterator& operator++() {
      ++at_;
      return *this;
    }
    const_iterator operator++(int) { return const_iterator(at_++); }
    const_iterator& operator--() {
      --at_;
      return *this;
    }
    const_iterator operator--(int) { return const_iterator(at_--); }
    bool operator==(const const_iterator&) const = default;

   private:
    Entries::const_iterator at_;
  };

  Incidents() = default;
  Incidents(const Incidents& from);
  Incidents& operator=(const Incidents& from);
  Incidents(Incidents&&) = default;
  Incidents& operator=(Incidents&&) = default;

  const_iterator begin() const { return const_iterator(all_.begin()); }
  const_iterator end() const { return const_iterator(all_.end()); }
  auto rbegin() const { return std::reverse_iterator(end()); }
  auto rend() const { return std::reverse_iterator(begin()); }
  const_iterator find(std::string_view id) const { return const_iterator(all_.find(id)); }
  const_iterator lower_bound(std::string_view id) const { return const_iterator(all_.lower_bound(id)); }
  bool contains(std::string_view id) const { return all_.contains(id); }
  const Incident& at(const std::string& id) const { return *all_.at(id).incident; }  // throws std::out_of_range
  std::size_t count(std::string_view id) const { return all_.count(id); }
  std::size_t size() const { return all_.size(); }
  bool empty() const { return all_.empty(); }

  Incident* edit(std::string_view id);  // to change it; nullptr: none has this id
  Incident& put(Incident incident);     // by its id, in the place of one that has it
  void erase(std::string_view id);

 private:
  Entries all_;
};

}  // namespace drwatch
