// SPDX-License-Identifier: Apache-2.0
// The seams of a World, each wrapped so that the tracer hears of its use. Results and failures pass through unchanged. Included by the
// tracer's own files only.
#pragma once

#include "probes/seams/tracer.hpp"

namespace drwatch {

class TracedResolver : public Resolver {
 public:
  TracedResolver(Resolver& inner, Tracer& tracer) : inner_(inner), tracer_(tracer) {}
  Task<Result<Resolved>> resolve(std::string name, Family family, std::vector<std::string> servers) override;
  Task<std::vector<Result<DnsAnswer>>> ask(std::vector<DnsQuestion> questions) override;
  std::vector<std::string> system_servers() override { return inner_.system_servers(); }

 private:
  Resolver& inner_;
  Tracer& tracer_;
};

class TracedNet : public Net {
 public:
  TracedNet(Net& inner, Tracer& tracer) : inner_(inner), tracer_(tracer) {}
  Task<Result<Connected>> connect(std::string host, std::uint16_t port, Family family, std::optional<TlsSettings> tls,
                                  Phases& phases) override;
  Task<Result<std::unique_ptr<Stream>>> secure(std::unique_ptr<Stream> stream, TlsSettings settings, std::string name, TlsShown& shown,
                                               Phases& phases) override;
  Task<Result<std::chrono::microseconds>> echo(std::string address, std::size_t payload, Duration patience) override;

 private:
  Net& inner_;
  Tracer& tracer_;
};

class TracedHttp : public Http {
 public:
  TracedHttp(Http& inner, Tracer& tracer) : inner_(inner), tracer_(tracer) {}
  Task<Result<HttpResponse>> fetch(HttpRequest request, Phases& phases) override;

 private:
  Http& inner_;
  Tracer& tracer_;
};

class TracedPostgres : public Postgres {
 public:
  TracedPostgres(Postgres& inner, Tracer& tracer) : inner_(inner), tracer_(tracer) {}
  Task<Result<std::unique_ptr<PgConnection>>> connect(Secret dsn, Phases& phases) override;

 private:
  Postgres& inner_;
  Tracer& tracer_;
};

class TracedExec : public Exec {
 public:
  TracedExec(Exec& inner, Tracer& tracer) : inner_(inner), tracer_(tracer) {}
  Task<Result<ExecResult>> run(ExecRequest request) override;

 private:
  Exec& inner_;
  Tracer& tracer_;
};

class TracedFiles : public Files {
 public:
  TracedFiles(Files& inner, Tracer& tracer) : inner_(inner), tracer_(tracer) {}
  Task<Result<Listed>> list(std::string folder, std::function<void(std::vector<FileEntry>)> look) override;
  Task<Result<std::string>> read(std::string path, std::size_t max_bytes) override;
  Task<std::optional<Failure>> beside(std::string path, std::function<void()> work) override {
    return inner_.beside(std::move(path), std::move(work));
  }

 private:
  Files& inner_;
  Tracer& tracer_;
};

// Keeps what a use of the world took by phases, also when it is cancelled and the run's own account of it is lost.
class PhasesKept {
 public:
  PhasesKept(Tracer& tracer, const Phases& phases) : tracer_(tracer), phases_(phases), before_(phases) {}
  ~PhasesKept() { tracer_.spent(before_, phases_); }
  PhasesKept(const PhasesKept&) = delete;

 private:
  Tracer& tracer_;
  const Phases& phases_;
  const Phases before_;
};

// "connection refused by 127.0.0.1:5432 (ECONNREFUSED)"
std::string failure_words(const Failure& failure);

}  // namespace drwatch
