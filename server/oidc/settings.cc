#include "server/oidc/settings.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "common/file.h"
#include "common/text.h"
#include "policy/field_reader.h"
#include "policy/yaml_reader.h"

namespace sekisho::oidc {
namespace {

using policy::FieldReader;
using policy::YamlNode;

constexpr size_t kMaxFileBytes = size_t{64} * 1024;
constexpr size_t kMaxSecretBytes = 1024;
constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxUrlBytes = 512;
constexpr size_t kMaxGroupBytes = 512;
constexpr size_t kMaxGroups = 256;
constexpr size_t kMaxBreakGlass = 8;

constexpr auto kKeys = std::to_array<std::string_view>(
    {"name", "issuer", "client_id", "client_secret_file", "redirect_base",
     "ca_file", "scopes", "user_claim", "groups_claim", "required_group",
     "roles", "terminals", "unknown_users", "second_factor", "only",
     "break_glass"});
constexpr auto kUnknownWords =
    std::to_array<std::string_view>({"refuse", "create"});
constexpr auto kFactorWords =
    std::to_array<std::string_view>({"token", "provider"});

std::optional<UnknownUsers> ParseUnknown(std::string_view word) {
  if (word == "refuse") return UnknownUsers::kRefuse;
  if (word == "create") return UnknownUsers::kCreate;
  return std::nullopt;
}

std::optional<SecondFactor> ParseFactor(std::string_view word) {
  if (word == "token") return SecondFactor::kToken;
  if (word == "provider") return SecondFactor::kTrusted;
  return std::nullopt;
}

// https, a host, no user, no query, no fragment.
bool IsPlainHttps(std::string_view url) {
  static constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme) || url.size() == kScheme.size()) return false;
  return std::ranges::all_of(url, [](char c) {
    return c > ' ' && c < 0x7f && c != '?' && c != '#' && c != '@' &&
           c != '"' && c != '\\';
  });
}

class SettingsReader {
 public:
  SettingsReader(FieldReader& in, Settings* out) : in_(in), out_(*out) {}

  // Where the secret is, as it is read only where a server needs it.
  std::string secret_file;

  void Read(const YamlNode& node) {
    if (!in_.IsMapping(node, "settings of an OpenID provider")) return;
    in_.CheckKeys(node, "oidc", kKeys);
    ReadUrl(node, "issuer", "https://id.example", &out_.issuer);
    ReadUrl(node, "redirect_base", "https://sekisho.example:8443",
            &out_.redirect_base);
    if (const YamlNode* base = node.Find("redirect_base");
        base != nullptr &&
        out_.redirect_base.find('/', 8) != std::string::npos) {
      in_.Wrong(*base, "https://HOST or https://HOST:PORT, without a path");
    }
    if (const YamlNode* id =
            in_.Required(node, "oidc", "client_id", "sekisho")) {
      Line(*id, kMaxUrlBytes, &out_.client_id);
    }
    Maybe(node, "name", kMaxNameBytes, &out_.name);
    if (out_.name.empty()) out_.name = "OpenID Connect";
    Maybe(node, "client_secret_file", kMaxUrlBytes, &secret_file);
    Maybe(node, "ca_file", kMaxUrlBytes, &out_.ca_file);
    Maybe(node, "scopes", kMaxUrlBytes, &out_.scopes);
    Maybe(node, "user_claim", kMaxNameBytes, &out_.user_claim);
    Maybe(node, "groups_claim", kMaxNameBytes, &out_.groups_claim);
    Maybe(node, "required_group", kMaxGroupBytes, &out_.required_group);
    if (const YamlNode* scopes = node.Find("scopes"); scopes != nullptr) {
      const auto words = Split(out_.scopes, ' ');
      if (std::ranges::find(words, "openid") == words.end()) {
        in_.Wrong(*scopes, "words with spaces, 'openid' among them");
      }
    }
    if (const YamlNode* roles = node.Find("roles")) ReadRoles(*roles);
    if (const YamlNode* seen = node.Find("terminals")) ReadTerminals(*seen);
    in_.Word<UnknownUsers>(node.Find("unknown_users"), ParseUnknown,
                           kUnknownWords, &out_.unknown_users);
    in_.Word<SecondFactor>(node.Find("second_factor"), ParseFactor,
                           kFactorWords, &out_.second_factor);
    ReadOnly(node);
    if (out_.unknown_users == UnknownUsers::kCreate && out_.roles.empty()) {
      in_.Wrong(*node.Find("unknown_users"),
                "'refuse', or 'roles' that say what a new user may do");
    }
  }

 private:
  void Line(const YamlNode& node, size_t cap, std::string* out) {
    if (node.kind == YamlNode::Kind::kScalar && !node.text.empty() &&
        IsOneLine(node.text, cap)) {
      *out = node.text;
    } else {
      in_.Wrong(node, "one line of text");
    }
  }
  void Maybe(const YamlNode& mapping, std::string_view key, size_t cap,
             std::string* out) {
    if (const YamlNode* node = mapping.Find(key)) Line(*node, cap, out);
  }
  void ReadUrl(const YamlNode& mapping, std::string_view key,
               std::string_view example, std::string* out) {
    const YamlNode* node = in_.Required(mapping, "oidc", key, example);
    if (node == nullptr) return;
    Line(*node, kMaxUrlBytes, out);
    if (!IsPlainHttps(*out)) {
      in_.Wrong(*node, "an https:// address such as " + std::string(example));
    }
  }

  void ReadRoles(const YamlNode& node) {
    if (!in_.IsMapping(node, "groups with lists of roles")) return;
    if (node.keys.size() > kMaxGroups) {
      in_.Wrong(node, "at most " + std::to_string(kMaxGroups) + " groups");
      return;
    }
    for (size_t i = 0; i < node.keys.size(); ++i) {
      store::Roles roles;
      in_.Items(&node.items[i], "a list of roles", [&](const YamlNode& item) {
        const auto role = store::ParseRole(item.text);
        if (role) {
          roles.Add(*role);
        } else {
          in_.Wrong(item, "one of " + store::Print(store::Roles::All()));
        }
      });
      out_.roles.emplace(node.keys[i].name, roles);
    }
  }

  void ReadTerminals(const YamlNode& node) {
    if (!in_.IsMapping(node, "groups with lists of terminal groups")) return;
    if (node.keys.size() > kMaxGroups) {
      in_.Wrong(node, "at most " + std::to_string(kMaxGroups) + " groups");
      return;
    }
    for (size_t i = 0; i < node.keys.size(); ++i) {
      if (node.items[i].text == "all") {
        out_.terminals.emplace(node.keys[i].name, store::Scope());
        continue;
      }
      std::vector<std::string> groups;
      in_.Items(
          &node.items[i], "'all' or a list of terminal groups",
          [&](const YamlNode& item) {
            std::string group;
            Line(item, kMaxNameBytes, &group);
            groups.push_back(std::move(group));
          },
          store::kMaxScopeGroups);
      out_.terminals.emplace(node.keys[i].name, store::Scope(groups));
    }
  }

  void ReadOnly(const YamlNode& mapping) {
    bool only = false;
    in_.Flag(mapping.Find("only"), &only);
    const YamlNode* names = mapping.Find("break_glass");
    if (!only) {
      if (names != nullptr) {
        in_.Wrong(*names, "nothing without 'only: true', which it is for");
      }
      return;
    }
    std::vector<std::string> users;
    in_.Items(
        names, "a list of users",
        [&](const YamlNode& item) {
          std::string user;
          Line(item, kMaxNameBytes, &user);
          users.push_back(std::move(user));
        },
        kMaxBreakGlass);
    if (users.empty()) {
      in_.Wrong(*mapping.Find("only"),
                "'break_glass: [USER]' beside it: who comes in with a "
                "password when the provider is down");
    }
    out_.only_but = std::move(users);
  }

  FieldReader& in_;
  Settings& out_;
};

struct Parsed {
  std::optional<Settings> settings;
  std::string secret_file;
};

Result<Parsed> Parse(std::string_view file_name, std::string_view text) {
  policy::Problems problems(file_name);
  Parsed out;
  if (const auto root = policy::ReadYaml(text, problems)) {
    if (const YamlNode* section = root->Find("oidc")) {
      FieldReader in(problems);
      SettingsReader reader(in, &out.settings.emplace());
      reader.Read(*section);
      out.secret_file = reader.secret_file;
    }
  }
  if (!problems.empty()) {
    return std::unexpected(policy::AsError(problems.Take()));
  }
  return out;
}

Result<std::string> ReadSecret(const std::string& path) {
  struct stat entry{};
  if (::stat(path.c_str(), &entry) == 0 && (entry.st_mode & 0007) != 0) {
    return Fail(Code::kFailedPrecondition,
                "oidc: client_secret_file '" + path +
                    "' may be read by everybody: chmod o= " + path);
  }
  auto text = ReadFileAt(AT_FDCWD, path, kMaxSecretBytes);
  if (!text) {
    return Fail(Code::kInvalidArgument,
                "oidc: client_secret_file: " + text.error().message);
  }
  const std::string secret(Trim(*text));
  if (secret.empty()) {
    return Fail(Code::kInvalidArgument,
                "oidc: client_secret_file '" + path + "' is empty");
  }
  return secret;
}

}  // namespace

std::string Settings::RedirectUrl() const {
  return redirect_base + "/api/v1/provider:callback";
}

Result<std::optional<Settings>> ParseSettings(std::string_view file_name,
                                              std::string_view text) {
  ASSIGN_OR_RETURN(auto parsed, Parse(file_name, text));
  return std::move(parsed.settings);
}

Result<std::optional<Settings>> ReadSettings(const std::string& path) {
  const auto text = ReadFileAt(AT_FDCWD, path, kMaxFileBytes);
  if (!text && text.error().code == Code::kNotFound) return std::nullopt;
  if (!text) return std::unexpected(text.error());
  // As it is installed: nothing but comments, which is no YAML document.
  const bool only_comments =
      std::ranges::all_of(Split(*text, '\n'), [](std::string_view line) {
        return Trim(line).empty() || Trim(line).starts_with('#');
      });
  if (only_comments) return std::nullopt;
  ASSIGN_OR_RETURN(auto parsed, Parse(path, *text));
  if (parsed.settings && !parsed.secret_file.empty()) {
    ASSIGN_OR_RETURN(parsed.settings->client_secret,
                     ReadSecret(parsed.secret_file));
  }
  return std::move(parsed.settings);
}

}  // namespace sekisho::oidc
