#include "server/config.h"

#include <fcntl.h>

#include <algorithm>

#include "common/file.h"
#include "common/text.h"
#include "policy/yaml_reader.h"

namespace sekisho {
namespace {

constexpr std::string_view kDefaultPath = "/etc/sekisho/server.yaml";
constexpr size_t kMaxConfigBytes = size_t{64} * 1024;

struct Setting {
  const char* key;
  const char* standard;
  const char* what;
};
constexpr Setting kSettings[] = {
    {"state", "/var/lib/sekisho", "keys, certificates, database"},
    {"database", "",
     "postgresql://USER@HOST/DATABASE; empty = SQLite in state"},
    {"runtime", "/run/sekisho-server", "local sockets"},
    {"agents_listen", "0.0.0.0:7443", "agents (gRPC, mTLS)"},
    {"enrol_listen", "0.0.0.0:7444", "enrolment (gRPC, TLS and token)"},
    {"console_address", "0.0.0.0", "console and JSON API (HTTPS)"},
    {"console_port", "8443", "its port; -1 = no console"},
    {"console_dir", "/usr/share/sekisho/console", "its static files"},
    {"metrics_listen", "127.0.0.1:9464",
     "Prometheus, /healthz, /readyz (HTTP); off = none"},
    {"log_format", "text", "of the log: text or json"},
    {"sinks", "/etc/sekisho/sinks.yaml",
     "who else is told: mail, syslog, webhooks, files"},
    {"agent_certificate_hours", "720",
     "life of agents' certificates, renewed at two thirds"},
    {"stocktake_days", "365",
     "who answers for an approved device confirms it this often; 0: never"},
    {"stocktake_remind_days", "30", "and is reminded so long before"},
    {"require_totp", "", "roles that need a second factor: [admin, approver]"},
    {"server_user", "", "owner of state/server after init"},
    {"enrol_user", "", "owner of state/ca after init; may ask the server"},
};

// Options without a value.
constexpr std::string_view kFlags[] = {"with_keys", "json"};

// Nested, and read by server/core/duties.h and server/oidc/settings.h.
constexpr std::string_view kSections[] = {"sla", "review", "retention", "oidc"};

// As it is installed: nothing but comments, which is no YAML document.
bool OnlyComments(std::string_view text) {
  return std::ranges::all_of(Split(text, '\n'), [](std::string_view line) {
    return Trim(line).empty() || Trim(line).starts_with('#');
  });
}

Status ReadFileInto(const std::string& path, bool named, Config& config) {
  const auto text = ReadFileAt(AT_FDCWD, path, kMaxConfigBytes);
  if (!text && text.error().code == Code::kNotFound && !named) {
    return {};
  }
  if (!text) {
    return std::unexpected(text.error());
  }
  if (OnlyComments(*text)) {
    return {};
  }
  policy::Problems problems(path);
  const auto root = policy::ReadYaml(*text, problems);
  if (root && problems.empty()) {
    for (size_t i = 0; i < root->keys.size(); ++i) {
      const auto& key = root->keys[i];
      const auto& value = root->items[i];
      if (key.name == "names" && value.kind == policy::YamlNode::Kind::kList) {
        for (const auto& name : value.items) {
          config.names.push_back(name.text);
        }
      } else if (key.name == "require_totp" &&
                 value.kind == policy::YamlNode::Kind::kList) {
        std::string& roles = config.values[key.name];
        roles.clear();
        for (const auto& role : value.items) {
          roles += (roles.empty() ? "" : ",") + role.text;
        }
      } else if (std::ranges::find(kSections, key.name) !=
                 std::end(kSections)) {
        continue;
      } else if (!config.values.contains(key.name)) {
        problems.Add(key.line, key.column, "no such setting: " + key.name);
      } else if (value.kind != policy::YamlNode::Kind::kScalar) {
        problems.Add(value.line, value.column, "expected one value");
      } else {
        config.values[key.name] = value.text;
      }
    }
  }
  if (!problems.empty()) {
    return std::unexpected(policy::AsError(problems.Take()));
  }
  return {};
}

}  // namespace

std::string ConfigHelp() {
  std::string text =
      "  --config FILE            default /etc/sekisho/server.yaml\n";
  for (const Setting& setting : kSettings) {
    std::string option = std::string("  --") + setting.key + " VALUE";
    std::ranges::replace(option, '_', '-');
    option.resize(std::max<size_t>(option.size() + 1, 27), ' ');
    text += option + setting.what + " (" + setting.standard + ")\n";
  }
  return text +
         "  --with-keys              of backup: private keys, too\n"
         "  --json                   of doctor: for programs\n"
         "  --name NAME              a name or address of the server, "
         "for init; may repeat\n";
}

Result<Config> ReadConfig(std::span<const std::string_view> args) {
  Config config;
  for (const Setting& setting : kSettings) {
    config.values[setting.key] = setting.standard;
  }
  std::string path(kDefaultPath);
  bool named = false;
  std::vector<std::pair<std::string, std::string>> options;
  std::vector<std::string> names;
  for (size_t i = 0; i < args.size(); ++i) {
    if (!args[i].starts_with("--")) {
      config.words.emplace_back(args[i]);
      continue;
    }
    std::string key(args[i].substr(2));
    std::ranges::replace(key, '-', '_');
    if (std::ranges::find(kFlags, key) != std::end(kFlags)) {
      config.flags.insert(key);
      continue;
    }
    if (i + 1 == args.size()) {
      return Fail(Code::kInvalidArgument,
                  std::string(args[i]) + " needs a value");
    }
    const std::string value(args[++i]);
    if (key == "config") {
      path = value;
      named = true;
    } else if (key == "name") {
      names.push_back(value);
    } else if (config.values.contains(key)) {
      options.emplace_back(key, value);
    } else {
      return Fail(Code::kInvalidArgument,
                  "no such option: " + std::string(args[i - 1]));
    }
  }
  config.file = path;
  RETURN_IF_ERROR(ReadFileInto(path, named, config));
  for (const auto& [key, value] : options) {
    config.values[key] = value;
  }
  if (!names.empty()) {
    config.names = names;
  }
  return config;
}

}  // namespace sekisho
