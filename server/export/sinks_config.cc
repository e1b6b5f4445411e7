#include "server/export/sinks_config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "common/file.h"
#include "common/text.h"
#include "policy/field_reader.h"
#include "policy/sets_reader.h"

namespace sekisho::server_export {
namespace {

using policy::FieldReader;
using policy::YamlNode;

constexpr size_t kMaxFileBytes = size_t{256} * 1024;
constexpr size_t kMaxSecretBytes = 4096;
constexpr size_t kMaxSinks = 32;
constexpr size_t kMaxRecipients = 50;
constexpr size_t kMaxTextBytes = 1024;

constexpr auto kRootKeys = std::to_array<std::string_view>(
    {"console", "zone", "windows", "holidays", "sinks"});
constexpr auto kSinkKeys =
    std::to_array<std::string_view>({"name",           "type",
                                     "send",           "severity",
                                     "only",           "without",
                                     "start",          "waiting_at_most",
                                     "format",         "to",
                                     "to_file",        "ca",
                                     "certificate",    "key",
                                     "insecure",       "secret_file",
                                     "rotate_mib",     "keep_files",
                                     "from",           "recipients",
                                     "user",           "password_file",
                                     "hourly_at_most", "duty",
                                     "stand_in",       "language"});
constexpr auto kTypes = std::to_array<std::string_view>(
    {"syslog", "webhook", "mail", "chat", "file"});
constexpr auto kFormats =
    std::to_array<std::string_view>({"json", "cef", "leef", "ocsf", "ecs"});
constexpr auto kSeverities = std::to_array<std::string_view>(
    {"info", "low", "medium", "high", "critical"});
constexpr auto kStarts = std::to_array<std::string_view>({"now", "beginning"});
constexpr auto kLanguages = std::to_array<std::string_view>({"en", "ja"});
constexpr auto kSends =
    std::to_array<std::string_view>({"alerts", "requests", "events"});
constexpr auto kWithout =
    std::to_array<std::string_view>({"file_names", "persons", "devices"});

template <size_t N>
std::optional<size_t> IndexIn(const std::array<std::string_view, N>& words,
                              std::string_view word) {
  const auto found = std::ranges::find(words, word);
  return found == words.end()
             ? std::nullopt
             : std::optional(static_cast<size_t>(found - words.begin()));
}

bool IsAddress(std::string_view text) {
  const size_t at = text.find('@');
  return IsOneLine(text, 254) && at != std::string_view::npos && at > 0 &&
         at + 1 < text.size() &&
         text.find_first_of(" <>,;\"\r\n") == std::string_view::npos;
}

class SinksReader {
 public:
  SinksReader(FieldReader& in, SinksConfig* out) : in_(in), out_(*out) {}

  void Read(const YamlNode& root) {
    if (!in_.IsMapping(root, "a mapping with 'sinks'")) {
      return;
    }
    in_.CheckKeys(root, "sinks.yaml", kRootKeys);
    policy::ReadSets(root, in_, &sets_);
    if (const YamlNode* zone = root.Find("zone")) {
      zone_ = zone->text;
    }
    if (const YamlNode* console = root.Find("console")) {
      out_.console = in_.Text(*console, kMaxTextBytes, "the console's address")
                         .value_or("");
      while (out_.console.ends_with('/')) {
        out_.console.pop_back();
      }
      if (!out_.console.starts_with("https://")) {
        in_.Wrong(*console, "an address such as https://sekisho.example:8443");
      }
    }
    in_.Items(
        root.Find("sinks"), "a list of sinks",
        [this](const YamlNode& node) { ReadSink(node); }, kMaxSinks);
  }

 private:
  void ReadSink(const YamlNode& node) {
    if (!in_.IsMapping(node, "a sink with name, type and to")) {
      return;
    }
    in_.CheckKeys(node, "a sink", kSinkKeys);
    SinkConfig sink;
    sink.zone = zone_;
    ReadName(node, &sink);
    std::string_view type = "file";
    if (const YamlNode* found =
            in_.Required(node, "a sink", "type", "syslog")) {
      OneOf(found, kTypes, &type);
    }
    sink.type = static_cast<SinkType>(*IndexIn(kTypes, type));
    ReadWhat(node, &sink);
    ReadWhere(node, &sink);
    if (sink.type == SinkType::kMail) {
      ReadMail(node, &sink);
    }
    out_.sinks.push_back(std::move(sink));
  }

  void ReadName(const YamlNode& node, SinkConfig* sink) {
    const YamlNode* name = in_.Required(node, "a sink", "name", "siem");
    if (name == nullptr) {
      return;
    }
    sink->name = in_.Id(*name).value_or("");
    if (std::ranges::find(out_.sinks, sink->name, &SinkConfig::name) !=
        out_.sinks.end()) {
      in_.Wrong(*name, "a name that no other sink has");
    }
  }

  template <size_t N>
  void OneOf(const YamlNode* node, const std::array<std::string_view, N>& words,
             std::string_view* out) {
    const auto parse = [](std::string_view) -> std::optional<std::string_view> {
      return std::nullopt;
    };
    if (node == nullptr) {
      return;
    }
    const auto index = node->kind == YamlNode::Kind::kScalar
                           ? IndexIn(words, node->text)
                           : std::nullopt;
    if (index) {
      *out = words[*index];
    } else {
      // Words it: what was expected, found, and the nearest.
      in_.Word<std::string_view>(node, parse, words, out);
    }
  }

  template <size_t N, typename F>
  void SomeOf(const YamlNode* node,
              const std::array<std::string_view, N>& words, F set) {
    in_.Items(node, "a list of some of " + policy::Joined(words),
              [&](const YamlNode& item) {
                std::string_view word;
                OneOf(&item, words, &word);
                set(word);
              });
  }

  void ReadWhat(const YamlNode& node, SinkConfig* sink) {
    if (const YamlNode* send = node.Find("send")) {
      sink->alerts = sink->requests = sink->events = false;
      SomeOf(send, kSends, [sink](std::string_view word) {
        sink->alerts = sink->alerts || word == "alerts";
        sink->requests = sink->requests || word == "requests";
        sink->events = sink->events || word == "events";
      });
    }
    std::string_view severity = sink->least_severity;
    OneOf(node.Find("severity"), kSeverities, &severity);
    sink->least_severity = severity;
    in_.Items(node.Find("only"), "a list of kinds", [&](const YamlNode& item) {
      sink->only.push_back(in_.Id(item).value_or(""));
    });
    SomeOf(node.Find("without"), kWithout, [sink](std::string_view word) {
      sink->without.file_names =
          sink->without.file_names || word == "file_names";
      sink->without.persons = sink->without.persons || word == "persons";
      sink->without.devices = sink->without.devices || word == "devices";
    });
    std::string_view start = "now";
    OneOf(node.Find("start"), kStarts, &start);
    sink->from_beginning = start == "beginning";
    Count(node, "waiting_at_most", 100, &sink->waiting_at_most);
    std::string_view format = "json";
    OneOf(node.Find("format"), kFormats, &format);
    sink->format = *ParseFormat(format);
    std::string_view language = "en";
    OneOf(node.Find("language"), kLanguages, &language);
    sink->language = language == "ja" ? Language::kJa : Language::kEn;
  }

  void ReadWhere(const YamlNode& node, SinkConfig* sink) {
    in_.Flag(node.Find("insecure"), &sink->insecure);
    Text(node, "ca", &sink->ca_file);
    Text(node, "certificate", &sink->cert_file);
    Text(node, "key", &sink->key_file);
    Count(node, "rotate_mib", 1, &sink->rotate_mib);
    int64_t keep = sink->keep_files;
    Count(node, "keep_files", 1, &keep);
    sink->keep_files = static_cast<int>(std::min<int64_t>(keep, 1000));
    Secret(node, "secret_file", &sink->secret);
    const YamlNode* to = node.Find("to");
    if (to == nullptr && node.Find("to_file") != nullptr) {
      Secret(node, "to_file", &sink->to);
      to = node.Find("to_file");
    } else if (to == nullptr) {
      in_.Required(node, "a sink", "to", ExampleOf(sink->type));
      return;
    } else {
      Text(node, "to", &sink->to);
    }
    if (!IsPlace(*sink)) {
      in_.problems().Add(to->line, to->column,
                         std::string("expected a place such as ") +
                             ExampleOf(sink->type) +
                             " (without TLS: 'insecure: true')");
    }
  }

  static const char* ExampleOf(SinkType type) {
    switch (type) {
      case SinkType::kSyslog:
        return "siem.example.jp:6514";
      case SinkType::kWebhook:
      case SinkType::kChat:
        return "https://hooks.example.jp/sekisho";
      case SinkType::kMail:
        return "smtp://mail.example.jp:587";
      case SinkType::kFile:
        break;
    }
    return "/var/lib/sekisho/server/alerts.jsonl";
  }

  static bool IsPlace(const SinkConfig& sink) {
    if (!IsOneLine(sink.to, kMaxTextBytes)) {
      return false;
    }
    switch (sink.type) {
      case SinkType::kSyslog:
        return sink.to.find(':') != std::string::npos &&
               sink.to.find('/') == std::string::npos;
      case SinkType::kWebhook:
      case SinkType::kChat:
        return sink.to.starts_with("https://") ||
               (sink.insecure && sink.to.starts_with("http://"));
      case SinkType::kMail:
        return sink.to.starts_with("smtp://") ||
               sink.to.starts_with("smtps://");
      case SinkType::kFile:
        break;
    }
    return sink.to.starts_with('/');
  }

  void ReadMail(const YamlNode& node, SinkConfig* sink) {
    const YamlNode* from =
        in_.Required(node, "a mail sink", "from", "sekisho@example.jp");
    if (from != nullptr) {
      sink->from = from->text;
      if (!IsAddress(sink->from)) {
        in_.Wrong(*from, "one mail address");
      }
    }
    const YamlNode* to =
        in_.Required(node, "a mail sink", "recipients", "[soc@example.jp]");
    Addresses(to, &sink->recipients);
    Addresses(node.Find("stand_in"), &sink->stand_in);
    Text(node, "user", &sink->user);
    Secret(node, "password_file", &sink->password);
    Count(node, "hourly_at_most", 1, &sink->hourly_at_most);
    const YamlNode* duty = node.Find("duty");
    if (duty == nullptr) {
      return;
    }
    const auto window =
        std::ranges::find(sets_.windows, duty->text, &policy::Window::name);
    if (window == sets_.windows.end()) {
      in_.Wrong(*duty, "the name of one of 'windows'");
    } else {
      sink->duty = *window;
      sink->zone = window->zone;
    }
  }

  void Addresses(const YamlNode* node, std::vector<std::string>* out) {
    in_.Items(
        node, "a list of mail addresses",
        [&](const YamlNode& item) {
          if (IsAddress(item.text)) {
            out->push_back(item.text);
          } else {
            in_.Wrong(item, "one mail address");
          }
        },
        kMaxRecipients);
  }

  void Text(const YamlNode& node, std::string_view key, std::string* out) {
    if (const YamlNode* found = node.Find(key)) {
      *out = in_.Text(*found, kMaxTextBytes, "one line").value_or("");
    }
  }

  void Count(const YamlNode& node, std::string_view key, int64_t least,
             int64_t* out) {
    const YamlNode* found = node.Find(key);
    if (found == nullptr) {
      return;
    }
    const int64_t value = in_.Count(*found).value_or(least);
    if (value < least) {
      in_.Wrong(*found, "a number of at least " + std::to_string(least));
    }
    *out = value;
  }

  // The first line of a file that only its owner and group may read.
  void Secret(const YamlNode& node, std::string_view key, std::string* out) {
    const YamlNode* found = node.Find(key);
    if (found == nullptr) {
      return;
    }
    struct stat info{};
    if (stat(found->text.c_str(), &info) == 0 && (info.st_mode & 07) != 0) {
      in_.problems().Add(found->line, found->column,
                         "expected a file that others may not read: chmod "
                         "o-rwx " +
                             EscapeUntrusted(found->text));
      return;
    }
    const auto text = ReadFileAt(AT_FDCWD, found->text, kMaxSecretBytes);
    if (!text) {
      in_.problems().Add(found->line, found->column, text.error().message);
      return;
    }
    *out = Trim(Split(*text, '\n').front());
    if (out->empty()) {
      in_.Wrong(*found, "a file with a secret in its first line");
    }
  }

  FieldReader& in_;
  SinksConfig& out_;
  policy::Sets sets_;
  std::string zone_;
};

}  // namespace

const char* Name(SinkType type) {
  return kTypes[static_cast<size_t>(type)].data();
}

Result<SinksConfig> ParseSinks(std::string_view file_name,
                               std::string_view text) {
  policy::Problems problems(file_name);
  SinksConfig out;
  const auto root = policy::ReadYaml(text, problems);
  if (root) {
    FieldReader in(problems);
    SinksReader(in, &out).Read(*root);
  }
  if (!problems.empty()) {
    return std::unexpected(policy::AsError(problems.Take()));
  }
  return out;
}

Result<SinksConfig> ReadSinks(const std::string& path, bool must_exist) {
  const auto text = ReadFileAt(AT_FDCWD, path, kMaxFileBytes);
  if (!text && text.error().code == Code::kNotFound && !must_exist) {
    return SinksConfig{};
  }
  if (!text) {
    return std::unexpected(text.error());
  }
  const bool only_comments =
      std::ranges::all_of(Split(*text, '\n'), [](std::string_view line) {
        return Trim(line).empty() || Trim(line).starts_with('#');
      });
  return only_comments ? SinksConfig{} : ParseSinks(path, *text);
}

}  // namespace sekisho::server_export
