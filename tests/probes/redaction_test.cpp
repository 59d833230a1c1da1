// SPDX-License-Identifier: Apache-2.0
// A secret is found in every encoding and at every cut, and what is no secret stays as it is.
#include "probes/seams/redaction.hpp"

#include "config/rows/encoding.hpp"
#include "probes/seams/excerpt.hpp"
#include "tests/probes/encodings.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace redaction_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

Redaction knowing(const std::string& secret) { return Redaction().and_also({secret}); }

const std::vector<std::string> secrets = {
    "hunter2",                                          // letters and digits only: nothing of it is ever escaped
    "p\"w/d+1 <&>%41\\",                                // every character that some encoding escapes
    "zw\xc3\xb6lf Boxk\xc3\xa4mpfer \xf0\x9f\xa5\x8a",  // UTF-8 of two and four bytes
    "sbp_0123456789abcdef0123456789abcdef01234567",
    std::string(150, 'k') + "/+?",  // long enough to be broken over lines
    "s3cr3t",                       // as short as one may be
};

}  // namespace

TEST_CASE("a secret is hidden in every encoding") {
  for (const std::string& secret : secrets) {
    const Redaction redaction = knowing(secret);
    for (const Encoding& encoding : encodings()) {
      CAPTURE(secret);
      CAPTURE(encoding.name);
      CHECK(redaction.hidden("<p>" + encoding.of(secret) + "</p>") == "<p>***</p>");
      // Twice: a proxy's page that quotes a JSON error, a log line within a JSON document.
      for (const Encoding& outer : encodings())
        if (outer.keeps_letters) CHECK(redaction.hidden("(" + outer.of(encoding.of(secret)) + ")") == "(***)");
    }
  }
}

// The letters of an encoded text that hold a bit of the secret, and no others.
TEST_CASE("a secret within a longer text in base64 is hidden at each of the three alignments") {
  for (const std::string& secret : secrets) {
    const Redaction redaction = knowing(secret);
    for (const std::string before : {"", "u", "us", "usr", "user:", "{\"k\": \""})
      for (const std::string behind : {"", ":", "\"}", "@db", "....."})
        for (const bool in_url : {false, true}) {
          CAPTURE(secret);
          CAPTURE(before);
          CAPTURE(behind);
          std::string encoded = (in_url ? base64url : base64)(before + secret + behind);
          const std::size_t from = 8 * before.size() / 6, to = (8 * (before.size() + secret.size()) + 5) / 6;
          CHECK(redaction.hidden("x " + encoded + " y") == "x " + encoded.substr(0, from) + "***" + encoded.substr(to) + " y");
        }
  }
}

TEST_CASE("base64 in lines is hidden as well") {
  std::string encoded = base64("user:" + secrets[4] + "\n"), lines;
  for (; encoded.size() > 76; encoded.erase(0, 76)) lines += encoded.substr(0, 76) + "\n";
  for (const std::string& text : {lines + encoded, excerpt(lines + encoded, 1000)}) {
    const std::string shown = knowing(secrets[4]).hidden(text);
    CHECK(shown.size() < 20);
    CHECK(shown.starts_with("dXNlcj***"));
  }
}

// Of an escape the cut may leave a part, which is no letter.
TEST_CASE("what a cut leaves of a secret is hidden: less than three letters of it may stand") {
  constexpr std::string_view said = "it said ";
  for (const std::string& secret : secrets) {
    const Redaction redaction = knowing(secret);
    for (const Encoding& encoding : encodings()) {
      CAPTURE(encoding.name);
      const std::string text = std::string(said) + encoding.of(secret) + " and more";
      const std::size_t few = said.size() + 3 * encoding.longest_letter;
      // Of a long one not every place.
      for (std::size_t most = said.size() + 1; most < text.size(); most += 1 + text.size() / 100) {
        const std::string shown = redaction.hidden(excerpt(text, most));
        CHECK_MESSAGE((shown.find("***") != std::string::npos || shown.size() <= few + 3), shown);
        std::string at_end = text.substr(0, most);
        redaction.hide(at_end, true);
        CHECK_MESSAGE((at_end.find("***") != std::string::npos || at_end.size() <= few), at_end);
      }
    }
  }
}

TEST_CASE("what is no secret stays as it is") {
  const Redaction redaction = Redaction().and_also(secrets);
  for (const std::string text : {"", "a", "expected status 200-299, got 503", "100 % of \\ & + &amp; %41 \\n \\u00", "hunter", "s3cr3",
                                 "hunter...", "aHVudGVy", "connection refused by 127.0.0.1:5432..."}) {
    std::string same = text;
    CAPTURE(text);
    if (text == "hunter...") {
      CHECK(redaction.hidden(text) == "***...");  // what may be the beginning of one is taken for it
      continue;
    }
    CHECK_FALSE(redaction.hide(same));
    CHECK(same == text);
  }
  std::string anything = "hunter2";
  CHECK_FALSE(Redaction().hide(anything));
}

TEST_CASE("a short secret is hidden where it stands alone, and a shorter one nowhere") {
  CHECK(knowing("open").hidden("the open door was reopened, opener: 'open'") == "the *** door was reopened, opener: '***'");
  CHECK(knowing("1234").hidden("12345 bytes, pin=1234") == "12345 bytes, pin=***");
  CHECK(knowing("api").hidden("the api of api") == "the api of api");
  CHECK(knowing("").hidden("a") == "a");
}

TEST_CASE("secrets that overlap, touch or hold each other become one row of stars") {
  const Redaction both = Redaction().and_also({"abcdef123", "123xyz789"});
  CHECK(both.hidden("<abcdef123xyz789>") == "<***>");
  CHECK(both.hidden("<abcdef123123xyz789>") == "<***>");
  CHECK(both.hidden("<abcdef123 123xyz789>") == "<*** ***>");
  CHECK(Redaction().and_also({"abcdef", "xxabcdefxx"}).hidden("<xxabcdefxx>") == "<***>");
  CHECK(knowing("******").hidden("<******>") == "<***>");
}

TEST_CASE("the password in a connection string is a secret by itself") {
  struct Row {
    const char *dsn, *says, *shown;
  };
  for (const Row& row : {
           Row{"host=db password='p\"w/d+1' dbname=app", "<p\"w/d+1>", "<***>"},
           Row{"host=db password='p\\'w/d+1' dbname=app", "<p'w/d+1>", "<***>"},
           Row{"host=db sslpassword=first1 password=second2", "first1 and second2", "*** and ***"},
           Row{"postgresql://app:ge%40heim@db/app", "for ge@heim", "for ***"},  // as the server sees it
           Row{"postgresql://app:ge%40heim@db/app", "in postgresql://app:ge%40heim@db/app", "in ***"},
           Row{"postgresql://app:hunter2@Secr3tTail@db/app", "hunter2@Secr3tTail", "***"},
           Row{"postgresql://app@db/app?password=qu3ry-one", "qu3ry-one", "***"},
           Row{"host=db.example dbname=app user=u password=hunter2", "no host db.example for app", "no host db.example for app"},
       }) {
    CAPTURE(row.dsn);
    CHECK(knowing(row.dsn).hidden(row.says) == row.shown);
  }
}

TEST_CASE("the path and the query of a secret URL are secrets by themselves, its host is not") {
  const Redaction hook = knowing("https://hooks.example.org/services/T0AB/B0CD12/xYz%2F9876?sig=q1w2e3r4&v=2");
  struct Row {
    const char *says, *shown;
  };
  for (const Row& row : {
           Row{"404: no page /services/T0AB/B0CD12/xYz%2F9876", "404: no page /***"},
           Row{"no page services/T0AB/B0CD12/xYz/9876 here", "no page *** here"},
           Row{"GET https://hooks.example.org: 404", "GET https://hooks.example.org: 404"},
           Row{"no hook xYz/9876", "no hook ***"},
           Row{"no team B0CD12", "no team ***"},
           Row{"a bad signature: q1w2e3r4", "a bad signature: ***"},
           Row{"our services are down", "our services are down"},
           Row{"<a href=\"/services&#x2F;T0AB/B0CD12/xYz%252F9876\">", "<a href=\"/***\">"},
       }) {
    CAPTURE(row.says);
    CHECK(hook.hidden(row.says) == row.shown);
  }
  CHECK(knowing("http://127.0.0.1:8080/opensesame").hidden("no /opensesame at 127.0.0.1:8080") == "no /*** at 127.0.0.1:8080");
}

TEST_CASE("the values of a secret form and of a secret JSON document are secrets by themselves") {
  const Redaction form = knowing("grant_type=password&username=probe%40example.org&password=open+sesame&pin=000123");
  CHECK(form.hidden("password is wrong for probe@example.org: open sesame, open+sesame, 000123") ==
        "password is wrong for ***: ***, ***, ***");
  const Redaction json =
      knowing(R"({"email": "probe@example.org", "password": "opensesame", "grant": "password", "codes": ["a1b2c3", 654321]})");
  CHECK(json.hidden(R"({"error":"opensesame is no password","of":"probe@example.org","a":654321,"b":"a1b2c3"})") ==
        R"({"error":"*** is no password","of":"***","a":***,"b":"***"})");
}

TEST_CASE("an outcome is freed of secrets everywhere") {
  const std::string secret = "s3cret-value";
  Outcome outcome = outcome_of(Health::down, Reason::assertion, "E" + secret, "it said " + secret);
  outcome.facts = {{"a " + secret, "x"}, {"b", base64("u:" + secret)}, {"c", "well"}};
  outcome.latches = {{"rows " + secret, {}, "emptied by " + secret}};
  outcome.job = JobReading{};
  outcome.job->schedule = secret;
  outcome.job->runs = {{1, JobRunSeen::State::failed, {}, {}, "failed with " + secret}};
  outcome.memory = "{\"seen\":\"" + secret + "\"}";
  hide_secrets(outcome, Redaction({Secret(Secret::From::env, "S", secret), Secret(Secret::From::plain, "", "well")}));
  CHECK(outcome.code == "E***");
  CHECK(outcome.message == "it said ***");
  CHECK(outcome.facts.at("a ***") == "x");
  CHECK(outcome.facts.at("b").starts_with("dT***"));
  CHECK(outcome.facts.at("c") == "well");  // plain text of the configuration is no secret
  CHECK(outcome.facts.size() == 3);
  CHECK(outcome.latches[0] == Latch{"rows ***", {}, "emptied by ***"});
  CHECK(outcome.job->schedule == "***");
  CHECK(outcome.job->runs[0].message == "failed with ***");
  CHECK(outcome.memory == "{\"seen\":\"***\"}");
}

}  // namespace redaction_test
