// Who is told what: /etc/sekisho/sinks.yaml.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "policy/model.h"
#include "server/export/formats.h"
#include "server/export/record.h"

namespace sekisho::server_export {

enum class SinkType { kSyslog, kWebhook, kMail, kChat, kFile };
const char* Name(SinkType type);  // "syslog" ...
enum class Language { kEn, kJa };

struct SinkConfig {
  std::string name;  // letters, digits, "-", "_"
  SinkType type = SinkType::kFile;

  // What is told.
  bool alerts = true;
  bool requests = true;  // alerts that somebody must decide
  bool events = false;
  std::string least_severity = "low";
  std::vector<std::string> only;  // kinds; empty = all
  LeftOut without;
  bool from_beginning = false;  // a new sink hears what was before it, too
  int64_t waiting_at_most = 1'000'000;  // records; older ones are a gap
  Format format = Format::kJson;

  // Where it goes. Syslog: "host:port"; webhook and chat: an https URL; mail:
  // "smtps://host" or "smtp://host:587"; file: a path.
  std::string to;
  std::string ca_file;    // empty = the system's
  std::string cert_file;  // of ours, with key_file; empty = none
  std::string key_file;
  bool insecure = false;     // without TLS
  std::string secret;        // of a webhook, signs each request
  int64_t rotate_mib = 100;  // of a file
  int keep_files = 10;

  // Mail.
  std::string from;
  std::vector<std::string> recipients;
  std::string user, password;
  int64_t hourly_at_most = 20;  // mails; then one that counts the rest
  // Within `duty` mail goes to `recipients`, else to the stand-in.
  std::optional<policy::Window> duty;
  std::vector<std::string> stand_in;
  Language language = Language::kEn;
  std::string zone;  // of the times in mail and chat; empty = UTC
};

struct SinksConfig {
  std::string console;  // "https://sekisho.example:8443": where links go
  std::vector<SinkConfig> sinks;
};

// kInvalidArgument: each line is a problem with file, line, column and what to
// do. Files that it names (secrets) are read now; one that others may read is
// a problem.
Result<SinksConfig> ParseSinks(std::string_view file_name,
                               std::string_view text);
// A file that is not there, unless `must_exist`, is no sinks.
Result<SinksConfig> ReadSinks(const std::string& path, bool must_exist);

}  // namespace sekisho::server_export
