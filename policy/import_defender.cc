// Microsoft Defender device control to ours: the XML of Windows and the JSON of
// macOS are brought to one form, and that to rules.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>

#include "common/text.h"
#include "policy/import.h"
#include "policy/words.h"
#include "policy/xml_reader.h"
#include "policy/yaml_reader.h"

namespace sekisho::policy {
namespace {

struct Clause {
  std::string kind;  // "VID", "vendorId", ...
  std::string value;
};

struct Group {
  std::string id;
  std::string name;
  std::string match = "MatchAny";
  std::vector<Clause> clauses;
  std::string unusable;  // why, if it is
  int line = 0;
};

struct Entry {
  bool allows = false;
  unsigned mask = 0;  // 1 read, 2 write, 4 execute
};

struct Rule {
  std::string name;
  std::vector<std::string> included, excluded;
  std::vector<Entry> entries;
  std::string unusable;
  int line = 0;
};

struct Source {
  std::vector<Group> groups;
  std::vector<Rule> rules;
  bool default_allows = true;  // as Defender's own
};

std::string LowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string Slug(std::string_view text) {
  std::string out;
  for (const char c : LowerCase(text)) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (word) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
    if (out.size() >= 48) break;
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "unnamed" : out;
}

// ---- Windows ----

void ReadGroup(const XmlNode& node, Source* out) {
  Group group;
  group.line = node.line;
  const auto id = node.attributes.find("Id");
  if (id != node.attributes.end()) group.id = LowerCase(id->second);
  group.name = node.Text("Name");
  if (const std::string match = node.Text("MatchType"); !match.empty()) {
    group.match = match;
  }
  if (const XmlNode* list = node.Find("DescriptorIdList")) {
    for (const XmlNode& child : list->children) {
      group.clauses.push_back({child.name, std::string(Trim(child.text))});
    }
  }
  out->groups.push_back(std::move(group));
}

std::vector<std::string> GroupIds(const XmlNode* list) {
  std::vector<std::string> ids;
  if (list == nullptr) return ids;
  for (const XmlNode& child : list->children) {
    ids.push_back(LowerCase(Trim(child.text)));
  }
  return ids;
}

void ReadEntry(const XmlNode& node, Rule* rule) {
  for (const char* word : {"Sid", "ComputerSid", "Parameters"}) {
    if (node.Find(word) != nullptr) {
      rule->unusable = fmt::format("it asks for '{}' of Windows", word);
    }
  }
  const std::string type = node.Text("Type");
  if (type.starts_with("Audit")) return;  // we record everything
  Entry entry;
  entry.allows = type == "Allow";
  if (type != "Allow" && type != "Deny") {
    rule->unusable = fmt::format("an entry is of type {}", Quoted(type));
  }
  unsigned mask = 0;
  for (const char c : node.Text("AccessMask")) {
    mask = c >= '0' && c <= '9' && mask < 1000
               ? mask * 10 + static_cast<unsigned>(c - '0')
               : 1000;
  }
  if (mask == 0 || mask > 127) {
    rule->unusable = "an AccessMask is none from 1 to 127";
    return;
  }
  // Of the device (1, 2, 4) and of its files (8, 16, 32) alike.
  entry.mask = (mask | mask >> 3U) & 7U;
  if (entry.mask != 0) rule->entries.push_back(entry);
}

void ReadRule(const XmlNode& node, Source* out) {
  Rule rule;
  rule.line = node.line;
  rule.name = node.Text("Name");
  rule.included = GroupIds(node.Find("IncludedIdList"));
  rule.excluded = GroupIds(node.Find("ExcludedIdList"));
  for (const XmlNode& child : node.children) {
    if (child.name == "Entry") ReadEntry(child, &rule);
  }
  out->rules.push_back(std::move(rule));
}

void ReadWindows(const XmlNode& root, Source* out, Problems& problems) {
  std::vector<const XmlNode*> nodes{&root};
  size_t known = 0;
  while (!nodes.empty()) {
    const XmlNode* node = nodes.back();
    nodes.pop_back();
    if (node->name == "Group") {
      ReadGroup(*node, out);
      ++known;
    } else if (node->name == "PolicyRule") {
      ReadRule(*node, out);
      ++known;
    } else {
      // In the order of the file: the last that is pushed comes first.
      for (const XmlNode& child : std::views::reverse(node->children)) {
        nodes.push_back(&child);
      }
    }
  }
  if (known == 0) {
    problems.Add(root.line, 1,
                 "expected Groups with Group, or PolicyRules with PolicyRule");
  }
}

// ---- macOS ----

std::string TextOf(const YamlNode& node, std::string_view key) {
  const YamlNode* at = node.Find(key);
  return at != nullptr && at->kind == YamlNode::Kind::kScalar ? at->text : "";
}

const std::vector<YamlNode>& ListOf(const YamlNode& node,
                                    std::string_view key) {
  static const std::vector<YamlNode> kEmpty;
  const YamlNode* at = node.Find(key);
  return at != nullptr && at->kind == YamlNode::Kind::kList ? at->items
                                                            : kEmpty;
}

Group MacGroup(const YamlNode& node) {
  Group group;
  group.line = node.line;
  group.id = LowerCase(TextOf(node, "id"));
  group.name = TextOf(node, "name");
  const YamlNode* query = node.Find("query");
  if (query == nullptr) {
    group.unusable = "it has no query";
    return group;
  }
  const std::string type = TextOf(*query, "$type");
  group.match = type == "all" || type == "and" ? "MatchAll" : "MatchAny";
  if (type != "all" && type != "and" && type != "any" && type != "or") {
    group.unusable = fmt::format("its query is of type {}", Quoted(type));
  }
  for (const YamlNode& clause : ListOf(*query, "clauses")) {
    group.clauses.push_back({TextOf(clause, "$type"), TextOf(clause, "value")});
  }
  return group;
}

void MacEntry(const YamlNode& node, Rule* rule) {
  const YamlNode* enforcement = node.Find("enforcement");
  const std::string type =
      enforcement == nullptr ? "" : TextOf(*enforcement, "$type");
  if (type.starts_with("audit")) return;
  if (type != "allow" && type != "deny") {
    rule->unusable = fmt::format("an entry is of type {}", Quoted(type));
    return;
  }
  Entry entry;
  entry.allows = type == "allow";
  for (const YamlNode& access : ListOf(node, "access")) {
    if (access.text.ends_with("read")) entry.mask |= 1U;
    if (access.text.ends_with("write")) entry.mask |= 2U;
    if (access.text.ends_with("execute")) entry.mask |= 4U;
  }
  if (entry.mask == 0) {
    rule->unusable = "an entry names no read, write or execute";
    return;
  }
  rule->entries.push_back(entry);
}

void ReadMac(const YamlNode& root, Source* out, Problems& problems) {
  for (const YamlNode& node : ListOf(root, "groups")) {
    out->groups.push_back(MacGroup(node));
  }
  for (const YamlNode& node : ListOf(root, "rules")) {
    Rule rule;
    rule.line = node.line;
    rule.name = TextOf(node, "name");
    for (const YamlNode& id : ListOf(node, "includeGroups")) {
      rule.included.push_back(LowerCase(id.text));
    }
    for (const YamlNode& id : ListOf(node, "excludeGroups")) {
      rule.excluded.push_back(LowerCase(id.text));
    }
    for (const YamlNode& entry : ListOf(node, "entries")) {
      MacEntry(entry, &rule);
    }
    out->rules.push_back(std::move(rule));
  }
  if (const YamlNode* settings = root.Find("settings")) {
    if (const YamlNode* global = settings->Find("global")) {
      out->default_allows = TextOf(*global, "defaultEnforcement") != "deny";
    }
  }
  if (out->groups.empty() && out->rules.empty()) {
    problems.Add(root.line, root.column, "expected 'groups' and 'rules'");
  }
}

// ---- both ----

// The conditions of one clause, one of which must hold; empty: none of ours.
std::vector<DeviceMatch> PartsOf(const Clause& clause, std::string* why) {
  const std::string kind = LowerCase(clause.kind);
  const std::string value = LowerCase(clause.value);
  const auto no = [&](std::string reason) {
    *why = std::move(reason);
    return std::vector<DeviceMatch>{};
  };
  const auto interface = [](uint8_t klass) {
    DeviceMatch part;
    part.interfaces_any = {InterfacePattern{klass, {}, {}}};
    return part;
  };
  DeviceMatch part;
  if (kind == "primaryid") {
    if (value == "removablemediadevices" ||
        value == "removable_media_devices") {
      DeviceMatch scsi;
      scsi.bus = "scsi";
      DeviceMatch card;
      card.bus = "mmc";
      return {interface(0x08), scsi, card};
    }
    part.bus = "optical";
    if (value == "cdromdevices") return {part};
    if (value == "wpddevices" || value == "portable_devices") {
      return {interface(0x06)};
    }
    if (value == "printerdevices") return {interface(0x07)};
    return no(fmt::format("{} is no kind of ours", Quoted(clause.value)));
  }
  if (value.find('?') != std::string::npos || !IsValidUtf8(clause.value) ||
      value.empty() || value.size() > 256) {
    return no(
        fmt::format("the value {} is none of ours", Quoted(clause.value)));
  }
  const auto hex = [](std::string_view text) {
    return text == "*" ||
           (text.size() == 4 && std::ranges::all_of(text, [](char c) {
              return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
            }));
  };
  if ((kind == "vid" || kind == "vendorid") && hex(value)) {
    part.vendor_id = value;
  } else if ((kind == "pid" || kind == "productid") && hex(value)) {
    part.product_id = value;
  } else if (kind == "vid_pid" && value.find('_') != std::string::npos &&
             hex(value.substr(0, value.find('_'))) &&
             hex(value.substr(value.find('_') + 1))) {
    part.vendor_id = value.substr(0, value.find('_'));
    part.product_id = value.substr(value.find('_') + 1);
  } else if (kind == "serialnumberid" || kind == "serialnumber") {
    part.serial = clause.value;
  } else if (kind == "busid" && value == "usb") {
    part.bus = "usb";
  } else if (kind == "deviceencryptionstateid" &&
             value == "bitlockerencrypted") {
    part.encryption = "bitlocker";
  } else {
    return no(fmt::format("{} {} is no condition of ours", Quoted(clause.kind),
                          Quoted(clause.value)));
  }
  return {part};
}

// All of these, of which at most one may be a choice.
bool AllOf(const std::vector<std::vector<DeviceMatch>>& parts,
           DeviceMatch* out) {
  for (const auto& choice : parts) {
    if (choice.size() == 1) {
      out->all.push_back(choice[0]);
    } else if (out->any.empty()) {
      out->any = choice;
    } else {
      return false;
    }
  }
  return true;
}

bool MatchOf(const Group& group, DeviceMatch* out, std::string* why) {
  if (!group.unusable.empty()) {
    *why = group.unusable;
    return false;
  }
  std::vector<std::vector<DeviceMatch>> parts;
  for (const Clause& clause : group.clauses) {
    parts.push_back(PartsOf(clause, why));
    if (parts.back().empty()) return false;
  }
  if (parts.empty()) {
    *why = "it lists nothing";
    return false;
  }
  DeviceMatch inner;
  const bool all =
      group.match == "MatchAll" || group.match == "MatchExcludeAll";
  const bool excludes = group.match.starts_with("MatchExclude");
  if (!all && group.match != "MatchAny" && group.match != "MatchExcludeAny") {
    *why = fmt::format("{} is no way of matching", Quoted(group.match));
    return false;
  }
  if (all && !AllOf(parts, &inner)) {
    *why = "it asks for two kinds of devices at once";
    return false;
  }
  if (!all) {
    for (const auto& choice : parts) {
      inner.any.insert(inner.any.end(), choice.begin(), choice.end());
    }
  }
  if (excludes) {
    out->none = {std::move(inner)};
  } else {
    *out = std::move(inner);
  }
  return true;
}

struct Taken {
  std::map<std::string, std::string> group_names;  // id -> ours
  std::map<std::string, std::string> unusable;     // id -> why
};

bool Resolve(const std::vector<std::string>& ids, const Taken& taken,
             std::vector<std::string>* out, std::string* why) {
  for (const std::string& id : ids) {
    const auto name = taken.group_names.find(id);
    if (name != taken.group_names.end()) {
      out->push_back(name->second);
      continue;
    }
    const auto bad = taken.unusable.find(id);
    *why = fmt::format("its group {} {}", Quoted(id),
                       bad == taken.unusable.end()
                           ? std::string("is not in the files")
                           : "was left out: " + bad->second);
    return false;
  }
  return true;
}

// The first entry that names an access decides about it.
bool Allows(const Rule& rule, unsigned access, bool otherwise, bool* open) {
  for (const Entry& entry : rule.entries) {
    if ((entry.mask & access) != 0) return entry.allows;
  }
  *open = true;
  return otherwise;
}

bool MakeRule(const Rule& rule, const Taken& taken, bool default_allows,
              Access media, DeviceRule* out, std::string* why, bool* open) {
  *why = rule.unusable;
  if (!why->empty()) return false;
  if (rule.entries.empty()) {
    *why = "it only audits, which we always do";
    return false;
  }
  if (rule.included.size() > 1) {
    *why =
        "it includes several groups, which versions of Defender read in "
        "different ways";
    return false;
  }
  if (!Resolve(rule.included, taken, &out->match.device_groups, why)) {
    return false;
  }
  DeviceMatch excluded;
  if (!Resolve(rule.excluded, taken, &excluded.device_groups, why)) {
    return false;
  }
  if (!excluded.device_groups.empty()) out->match.none = {excluded};
  if (!Allows(rule, 1, default_allows, open)) {
    out->access = Access::kBlock;
  } else if (!Allows(rule, 2, default_allows, open)) {
    out->access = Access::kReadOnly;
  } else {
    out->access = media;
  }
  out->no_exec = !Allows(rule, 4, default_allows, open);
  return true;
}

Imported Translate(const Source& source, Access media, Problems& left_out,
                   Problems& changed) {
  Imported out;
  out.policy.name = "imported from Defender device control";
  out.policy.device_default =
      source.default_allows ? Access::kFull : Access::kBlock;
  out.policy.content_default = Verdict::kBlock;
  Taken taken;
  size_t number = 0;
  for (const Group& group : source.groups) {
    ++number;
    DeviceGroup made;
    std::string why;
    made.name = fmt::format("g{}-{}", number, Slug(group.name));
    if (!MatchOf(group, &made.match, &why)) {
      left_out.Add(
          group.line, 1,
          fmt::format("group {} left out: {}", Quoted(group.name), why));
      taken.unusable[group.id] = why;
      continue;
    }
    taken.group_names[group.id] = made.name;
    out.policy.sets.devices.push_back(std::move(made));
  }
  number = 0;
  for (const Rule& rule : source.rules) {
    ++number;
    DeviceRule made;
    made.id = fmt::format("r{}-{}", number, Slug(rule.name));
    made.line = rule.line;
    std::string why;
    bool open = false;
    if (!MakeRule(rule, taken, source.default_allows, media, &made, &why,
                  &open)) {
      left_out.Add(rule.line, 1,
                   fmt::format("rule {} left out: {}", Quoted(rule.name), why));
      continue;
    }
    if (open) {
      changed.Add(rule.line, 1,
                  fmt::format("rule {}: what it leaves open is {}, as is the "
                              "default, and no later rule is asked",
                              Quoted(rule.name),
                              source.default_allows ? "allowed" : "denied"));
    }
    out.policy.devices.push_back(std::move(made));
  }
  return out;
}

}  // namespace

Result<Imported> ImportDefender(const std::vector<SourceFile>& files,
                                Access media) {
  Source source;
  const std::string shown = files.empty() ? std::string() : files[0].name;
  for (const SourceFile& file : files) {
    Problems problems(file.name);
    const std::string_view text = Trim(file.text);
    if (file.text.size() > kMaxImportBytes) {
      problems.Add(1, 1,
                   fmt::format("expected at most {} bytes", kMaxImportBytes));
    } else if (text.starts_with('{')) {
      if (const auto root = ReadYaml(file.text, problems)) {
        ReadMac(*root, &source, problems);
      }
    } else if (const auto root = ReadXml(file.text, problems)) {
      ReadWindows(*root, &source, problems);
    }
    if (!problems.empty()) return std::unexpected(AsError(problems.Take()));
  }
  Problems left_out(shown);
  Problems changed(shown);
  Imported out = Translate(source, media, left_out, changed);
  out.left_out = left_out.Take();
  out.changed = changed.Take();
  return out;
}

}  // namespace sekisho::policy
