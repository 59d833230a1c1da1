// SPDX-License-Identifier: Apache-2.0
// What PostgreSQL's failures mean, for every kind that asks it something.
#pragma once

#include "probes/probe.hpp"

namespace drwatch {

// The database itself said so, on its own address: nothing listens there, it shuts down, starts up, is read-only, was dropped, or gives out
// no transaction ids any more. The one list of these codes.
bool takes_no_writes(const Failure& failure);

// outcome_of(failure), and: a statement over its time is `timeout`; a server that refuses on its own address, shuts down, starts up or is
// read-only takes no writes.
Outcome database_outcome(const Failure& failure);

// Begins a transaction in which no statement outlives the run (`timeout`) that asked for it. Only for the transaction, since behind a
// pooler the session is somebody else's a moment later. nullopt: begun.
Task<std::optional<Outcome>> begin_bounded(PgConnection& connection, Duration timeout);

// Unix time in milliseconds, as the queries of this folder return times; nullopt for NULL or anything else.
std::optional<Time> database_time(const std::optional<std::string>& unix_milliseconds);

// The database answers, only what was asked about is not there or not to be touched by this role: no table, schema, column, function,
// right.
bool is_missing_or_forbidden(const std::string& sqlstate);

// Of a probe that asks what is in a database, not whether that works: down stays only what was found there (a wrong value, damage) or found
// to be gone (the database, the table); that it can't be reached, or fails, is unknown.
Outcome of_content(Outcome outcome);

// The outcome of a run without a usable dsn (unknown, internal: it says nothing about the database); nullopt: it is there.
std::optional<Outcome> dsn_problem(const Secret& dsn);

}  // namespace drwatch
