// The model back to YAML that parses to the same model. Every text is quoted,
// so that no reader has to know which plain words YAML takes for something
// else.
#include <fmt/format.h>

#include "policy/parser.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

// A YAML double-quoted scalar on one line. Bytes above 0x7f pass as they are,
// except what libyaml does not take for printable.
std::string Quote(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '"' || text[i] == '\\') {
      out += '\\';
      out += text[i];
    } else if (text[i] == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (byte == 0xc2 && i + 1 < text.size() &&
               static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      ++i;  // C1 controls, among them NEL, which YAML takes for a line break
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
    } else if (text.substr(i, 3) == "\xe2\x80\xa8") {
      i += 2;
      out += "\\L";
    } else if (text.substr(i, 3) == "\xe2\x80\xa9") {
      i += 2;
      out += "\\P";
    } else if (text.substr(i, 3) == "\xef\xbb\xbf") {
      i += 2;
      out += "\\uFEFF";
    } else {
      out += text[i];
    }
  }
  return out + "\"";
}

std::string QuotedList(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ", ";
    out += Quote(text);
  }
  return out + "]";
}

class Mapping {
 public:
  explicit Mapping(std::string indent) : indent_(std::move(indent)) {}

  void Raw(std::string_view key, std::string_view value) {
    text_ += fmt::format("{}{}: {}\n", indent_, key, value);
  }
  void Text(std::string_view key, const std::optional<std::string>& value) {
    if (value) Raw(key, Quote(*value));
  }
  void List(std::string_view key, const std::vector<std::string>& values) {
    if (!values.empty()) Raw(key, QuotedList(values));
  }
  void Interfaces(std::string_view key,
                  const std::vector<InterfacePattern>& patterns) {
    std::vector<std::string> texts;
    texts.reserve(patterns.size());
    for (const InterfacePattern& pattern : patterns) {
      texts.push_back(PrintInterfacePattern(pattern));
    }
    List(key, texts);
  }
  void Range(std::string_view key, const std::optional<IntRange>& range) {
    if (!range) return;
    std::string value = "{";
    if (range->at_least)
      value += fmt::format(" at_least: {}", *range->at_least);
    if (range->at_least && range->at_most) value += ",";
    if (range->at_most) value += fmt::format(" at_most: {}", *range->at_most);
    Raw(key, value + " }");
  }
  void Texts(std::string_view key,
             const std::map<std::string, std::string>& texts) {
    if (texts.empty()) return;
    Mapping inner(indent_ + "  ");
    for (const auto& [language, text] : texts) {
      // Quoted: Norwegian is "no", which other readers take for false.
      inner.Raw(Quote(language), Quote(text));
    }
    Nested(key, inner.text_);
  }
  void Nested(std::string_view key, std::string_view text) {
    if (text.empty()) {
      Raw(key, "{}");
    } else {
      text_ += fmt::format("{}{}:\n{}", indent_, key, text);
    }
  }
  // Items of a list, each a block that begins four columns further in.
  void Blocks(std::string_view key, const std::vector<std::string>& blocks) {
    if (blocks.empty()) return;
    std::string inner;
    for (const std::string& block : blocks) {
      if (block.empty()) {
        inner += indent_ + "  - {}\n";
      } else {
        inner += block;
        inner[inner.size() - block.size() + indent_.size() + 2] = '-';
      }
    }
    Nested(key, inner);
  }
  const std::string& text() const { return text_; }

 private:
  std::string indent_;
  std::string text_;
};

// As deep as the parser lets a condition nest.
// NOLINTNEXTLINE(misc-no-recursion)
std::string PrintMatch(const DeviceMatch& match, const std::string& indent) {
  Mapping out(indent);
  out.Text("bus", match.bus);
  out.Text("vendor_id", match.vendor_id);
  out.Text("product_id", match.product_id);
  out.Text("serial", match.serial);
  out.Text("manufacturer", match.manufacturer);
  out.Text("product", match.product);
  out.Text("port", match.port);
  out.Text("descriptor_hash", match.descriptor_hash);
  out.Text("filesystem", match.filesystem);
  out.Text("volume_uuid", match.volume_uuid);
  out.Text("volume_label", match.volume_label);
  out.Text("encryption", match.encryption);
  out.Text("medium_serial", match.medium_serial);
  out.Range("size_bytes", match.size_bytes);
  out.Interfaces("interfaces_all", match.interfaces_all);
  out.Interfaces("interfaces_any", match.interfaces_any);
  out.Range("interface_count", match.interface_count);
  out.List("persons", match.persons);
  out.List("origins", match.origins);
  out.List("terminals", match.terminals);
  out.List("device_groups", match.device_groups);
  out.List("person_groups", match.person_groups);
  out.List("terminal_groups", match.terminal_groups);
  out.List("during", match.during);
  if (match.online) out.Raw("online", *match.online ? "true" : "false");
  const auto blocks = [&](const std::vector<DeviceMatch>& parts) {
    std::vector<std::string> texts;
    texts.reserve(parts.size());
    for (const DeviceMatch& part : parts) {
      texts.push_back(PrintMatch(part, indent + "    "));
    }
    return texts;
  };
  out.Blocks("all", blocks(match.all));
  out.Blocks("any", blocks(match.any));
  for (const DeviceMatch& part : match.none) {
    out.Nested("not", PrintMatch(part, indent + "  "));
  }
  return out.text();
}

std::string PrintMatch(const ContentMatch& match) {
  Mapping out("      ");
  out.Range("persons", match.persons);
  out.Range("bytes", match.bytes);
  out.List("data", match.data);
  std::vector<std::string> inspection;
  for (const Inspection value : match.inspection) {
    inspection.emplace_back(Name(value));
  }
  out.List("inspection", inspection);
  out.List("reason", match.reason);
  out.List("format", match.format);
  out.List("data_owner", match.data_owner);
  out.List("file_groups", match.file_groups);
  std::string totals;
  for (const TotalLimit& limit : match.totals) {
    totals +=
        fmt::format("        - {{ of: {}, by: {}, over: {}, at_least: {} }}\n",
                    Name(limit.key.of), Name(limit.key.by),
                    PrintHours(limit.key.hours), limit.at_least);
  }
  if (!totals.empty()) out.Nested("totals", totals);
  return out.text();
}

// "    id: ..." becomes "  - id: ...".
std::string AsListItem(std::string text) {
  text[2] = '-';
  return text;
}

std::string PrintRule(const DeviceRule& rule) {
  Mapping out("    ");
  out.Raw("id", Quote(rule.id));
  if (rule.list) out.Raw("list", Quote(*rule.list));
  if (!rule.list || rule.match != DeviceMatch{}) {
    out.Nested("match", PrintMatch(rule.match, "      "));
  }
  if (!rule.list) out.Raw("access", Name(rule.access));
  out.Raw("encrypted_only", rule.encrypted_only ? "true" : "false");
  out.Raw("no_exec", rule.no_exec ? "true" : "false");
  out.Texts("notify", rule.notify);
  return AsListItem(out.text());
}

std::string PrintRule(const ContentRule& rule) {
  Mapping out("    ");
  out.Raw("id", Quote(rule.id));
  out.Nested("when", PrintMatch(rule.match));
  if (rule.situation != DeviceMatch{}) {
    out.Nested("match", PrintMatch(rule.situation, "      "));
  }
  out.Raw("verdict", Name(rule.verdict));
  if (rule.granting != Granting::kTransfer) {
    out.Raw("grant", Name(rule.granting));
  }
  out.Texts("notify", rule.notify);
  return AsListItem(out.text());
}

std::string PrintNames(const std::vector<NameGroup>& groups) {
  std::string text;
  for (const NameGroup& group : groups) {
    Mapping names("      ");
    names.List("any", group.any);
    names.List("not", group.none);
    text += "    " + Quote(group.name) + ":\n" + names.text();
  }
  return text;
}

std::string PrintGroups(const Sets& sets) {
  Mapping out("  ");
  std::string files;
  for (const FileGroup& group : sets.files) {
    files += fmt::format("    {}: {}\n", Quote(group.name),
                         QuotedList(group.hashes));
  }
  std::string devices;
  for (const DeviceGroup& group : sets.devices) {
    const std::string match = PrintMatch(group.match, "      ");
    devices +=
        "    " + Quote(group.name) + (match.empty() ? ": {}\n" : ":\n" + match);
  }
  const std::string persons = PrintNames(sets.persons);
  const std::string terminals = PrintNames(sets.terminals);
  if (!devices.empty()) out.Nested("devices", devices);
  if (!persons.empty()) out.Nested("persons", persons);
  if (!terminals.empty()) out.Nested("terminals", terminals);
  if (!files.empty()) out.Nested("files", files);
  return out.text();
}

std::string PrintWindow(const Window& window) {
  Mapping out("    ");
  out.Raw("zone", Quote(window.zone));
  std::vector<std::string> days;
  for (size_t i = 0; i < kDayWords.size(); ++i) {
    if ((window.days >> i & 1U) != 0) days.emplace_back(kDayWords[i]);
  }
  out.List("days", days);
  out.Raw("from", Quote(PrintTimeOfDay(window.from_minute)));
  out.Raw("to", Quote(PrintTimeOfDay(window.to_minute)));
  out.List("except", window.except);
  out.List("only_on", window.only_on);
  return "  " + Quote(window.name) + ":\n" + out.text();
}

std::string PrintType(const CustomType& type) {
  Mapping out("    ");
  if (!type.pattern.empty()) out.Raw("pattern", Quote(type.pattern));
  out.List("headers", type.headers);
  out.Raw("check", Name(type.check));
  out.List("values", type.values);
  return "  " + Quote(type.name) + ":\n" + out.text();
}

std::string PrintDates(const DateSet& set) {
  std::vector<std::string> spans;
  spans.reserve(set.spans.size());
  for (const DateSpan& span : set.spans) spans.push_back(PrintDateSpan(span));
  return "  " + Quote(set.name) + ": " + QuotedList(spans) + "\n";
}

void PrintSets(const Sets& sets, Mapping* out) {
  std::string dates;
  for (const DateSet& set : sets.holidays) dates += PrintDates(set);
  std::string windows;
  for (const Window& window : sets.windows) windows += PrintWindow(window);
  const std::string groups = PrintGroups(sets);
  std::string types;
  for (const CustomType& type : sets.types) types += PrintType(type);
  if (!types.empty()) out->Nested("types", types);
  if (!dates.empty()) out->Nested("holidays", dates);
  if (!windows.empty()) out->Nested("windows", windows);
  if (!groups.empty()) out->Nested("groups", groups);
}

std::string PrintLandings(const Landings& landings) {
  Mapping out("  ");
  out.Raw("persons", fmt::format("{}", landings.persons));
  out.List("folders", landings.folders);
  if (landings.lies_for_hours) {
    out.Raw("lies_for", PrintHours(*landings.lies_for_hours));
  }
  return out.text();
}

std::string PrintIdentify(const Identify& identify) {
  Mapping out("  ");
  out.List("accounts", identify.accounts);
  std::vector<std::string> proofs;
  for (const Proof proof : identify.proof) proofs.emplace_back(Name(proof));
  out.List("proof", proofs);
  out.Raw("lasts", PrintHours(identify.lasts_hours));
  return out.text();
}

std::string PrintJob(const Job& job) {
  return fmt::format("  - {{ unit: {}, owner: {} }}\n", Quote(job.unit),
                     Quote(job.owner));
}

template <typename Rule>
std::string PrintRules(const std::vector<Rule>& rules) {
  std::string out;
  for (const Rule& rule : rules) out += PrintRule(rule);
  return out;
}

}  // namespace

std::string PrintPolicy(const Policy& policy) {
  Mapping out("");
  out.Raw("policy", NeedsVersion2(policy) ? "2" : "1");
  out.Raw("name", Quote(policy.name));
  out.Raw("mode", Name(policy.mode));
  out.Raw("when_stale", Name(policy.when_stale));
  PrintSets(policy.sets, &out);
  if (!policy.devices.empty()) {
    out.Nested("devices", PrintRules(policy.devices));
  }
  out.Raw("device_default", Name(policy.device_default));
  if (!policy.content.empty()) {
    out.Nested("content", PrintRules(policy.content));
  }
  out.Raw("content_default", Name(policy.content_default));
  if (!policy.samples_key.empty()) {
    out.Nested("samples", "  key: " + Quote(policy.samples_key) + "\n");
  }
  out.Texts("contact", policy.contact);
  if (policy.landings) out.Nested("landings", PrintLandings(*policy.landings));
  if (policy.identify) out.Nested("identify", PrintIdentify(*policy.identify));
  std::string jobs;
  for (const Job& job : policy.jobs) jobs += PrintJob(job);
  if (!jobs.empty()) out.Nested("jobs", jobs);
  return out.text();
}

}  // namespace sekisho::policy
