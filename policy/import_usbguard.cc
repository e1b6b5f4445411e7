// USBGuard's rules to ours, and the other way.
//
// First match decides in both. A condition of USBGuard becomes one of ours, or
// several that all must hold; a rule that cannot be said is left out.
#include <fmt/format.h>

#include <algorithm>

#include "common/text.h"
#include "policy/import.h"
#include "policy/usbguard_rules.h"
#include "policy/words.h"
#include "policy/zone.h"

namespace sekisho::policy {
namespace {

using Op = UsbguardOperator;

constexpr uint8_t kStorageClass = 0x08;

InterfacePattern ToInterface(std::string text) {
  std::ranges::replace(text, ':', '/');
  return ParseInterfacePattern(text).value_or(InterfacePattern{});
}

DeviceMatch OneInterface(const std::string& text) {
  DeviceMatch match;
  match.interfaces_any = {ToInterface(text)};
  return match;
}

// What a rule is turned into, or why it is not.
class RuleImport {
 public:
  RuleImport(const UsbguardOptions& options, Sets* sets)
      : options_(options), sets_(*sets) {}

  // False: `why` says what has no word in ours.
  bool Take(const UsbguardRule& rule);

  DeviceMatch match;
  std::string why;
  std::string changed;  // what means more than in the source
  std::string label;
  bool no_storage = false;  // no device that it takes has a storage interface

 private:
  bool No(std::string reason) {
    why = std::move(reason);
    return false;
  }
  void Need(DeviceMatch part) { match.all.push_back(std::move(part)); }
  void NeedNot(DeviceMatch part) {
    DeviceMatch outer;
    outer.none.push_back(std::move(part));
    Need(std::move(outer));
  }
  bool TakeAttribute(const UsbguardAttribute& attribute);
  bool TakeIds(const UsbguardAttribute& attribute);
  bool TakeText(const UsbguardAttribute& attribute,
                std::optional<std::string> DeviceMatch::* field);
  bool TakeInterfaces(const UsbguardAttribute& attribute);
  bool TakeConditions(const UsbguardAttribute& attribute);
  bool TakeCondition(std::string_view text, DeviceMatch* out);
  bool TakeTimes(std::string_view times, std::string* window);
  // Values of a fact of which a device has exactly one.
  bool TakeSingle(const UsbguardAttribute& attribute,
                  const std::vector<DeviceMatch>& parts);

  const UsbguardOptions& options_;
  Sets& sets_;
};

bool RuleImport::TakeSingle(const UsbguardAttribute& attribute,
                            const std::vector<DeviceMatch>& parts) {
  switch (attribute.op) {
    case Op::kNoneOf:
      for (const DeviceMatch& part : parts) NeedNot(part);
      return true;
    case Op::kOneOf:
    case Op::kMatchAll:
      break;
    case Op::kAllOf:
    case Op::kEquals:
    case Op::kEqualsOrdered:
      if (parts.size() > 1) {
        return No(fmt::format(
            "a device has one '{}' only, so that '{}' with "
            "several values is not said in a clear way",
            attribute.name, attribute.op == Op::kAllOf ? "all-of" : "equals"));
      }
      break;
  }
  if (parts.size() == 1) {
    Need(parts[0]);
  } else {
    DeviceMatch outer;
    outer.any = parts;
    Need(std::move(outer));
  }
  return true;
}

bool RuleImport::TakeIds(const UsbguardAttribute& attribute) {
  std::vector<DeviceMatch> parts;
  for (const std::string& value : attribute.values) {
    DeviceMatch part;
    std::string vendor = value.substr(0, value.find(':'));
    std::string product = value.substr(value.find(':') + 1);
    for (std::string* text : {&vendor, &product}) {
      for (char& c : *text) {
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
      }
    }
    if (vendor != "*") part.vendor_id = vendor;
    if (product != "*") part.product_id = product;
    parts.push_back(std::move(part));
  }
  return TakeSingle(attribute, parts);
}

bool RuleImport::TakeText(const UsbguardAttribute& attribute,
                          std::optional<std::string> DeviceMatch::* field) {
  std::vector<DeviceMatch> parts;
  for (const std::string& value : attribute.values) {
    if (value.find_first_of("*?") != std::string::npos) {
      return No(
          fmt::format("'{}' holds '*' or '?', which are patterns in ours "
                      "and would match more",
                      attribute.name));
    }
    if (!IsValidUtf8(value) || value.find('\0') != std::string::npos ||
        value.size() > 256) {
      return No(fmt::format("'{}' is no UTF-8 text of at most 256 bytes",
                            attribute.name));
    }
    DeviceMatch part;
    part.*field = value;
    parts.push_back(std::move(part));
  }
  return TakeSingle(attribute, parts);
}

bool RuleImport::TakeInterfaces(const UsbguardAttribute& attribute) {
  std::vector<InterfacePattern> patterns;
  for (const std::string& value : attribute.values) {
    patterns.push_back(ToInterface(value));
  }
  const bool names_all = attribute.op == Op::kMatchAll ||
                         attribute.op == Op::kEquals ||
                         attribute.op == Op::kEqualsOrdered;
  no_storage = names_all &&
               std::ranges::none_of(patterns, [](const InterfacePattern& p) {
                 return p.klass.value_or(kStorageClass) == kStorageClass;
               });
  DeviceMatch part;
  const auto count = static_cast<int64_t>(patterns.size());
  switch (attribute.op) {
    case Op::kOneOf:
      part.interfaces_any = patterns;
      Need(std::move(part));
      return true;
    case Op::kNoneOf:
      part.interfaces_any = patterns;
      NeedNot(std::move(part));
      return true;
    case Op::kMatchAll:
      part.interfaces_all = patterns;
      Need(std::move(part));
      return true;
    case Op::kEqualsOrdered:
      if (count > 1) {
        return No(
            "the order of interfaces ('equals-ordered') is no condition "
            "of ours");
      }
      break;
    case Op::kAllOf:
    case Op::kEquals:
      break;
  }
  for (const std::string& value : attribute.values) Need(OneInterface(value));
  if (attribute.op != Op::kAllOf) {
    part.interface_count = IntRange{count, count};
    Need(std::move(part));
  }
  return true;
}

// "08:00-17:30", with seconds that must be zero.
bool RuleImport::TakeTimes(std::string_view times, std::string* window) {
  if (options_.zone.empty()) {
    return No(
        "'localtime' needs a zone; give --zone (USBGuard itself reads "
        "the clock as UTC in some versions)");
  }
  const size_t dash = times.find('-');
  if (dash == std::string_view::npos) {
    return No("'localtime' with a single moment is no window");
  }
  Window out;
  const auto read = [](std::string_view text, int* minutes) {
    if (text.size() == 8 && text.ends_with(":00")) text.remove_suffix(3);
    const auto value = ParseTimeOfDay(text);
    if (value) *minutes = *value;
    return value.has_value();
  };
  if (!read(Trim(times.substr(0, dash)), &out.from_minute) ||
      !read(Trim(times.substr(dash + 1)), &out.to_minute) ||
      out.from_minute == out.to_minute || out.from_minute == 24 * 60 ||
      out.to_minute == 0) {
    return No("this 'localtime' is no window of whole minutes");
  }
  out.zone = options_.zone;
  out.name = fmt::format("from-{:04}-to-{:04}",
                         out.from_minute / 60 * 100 + out.from_minute % 60,
                         out.to_minute / 60 * 100 + out.to_minute % 60);
  *window = out.name;
  if (std::ranges::find(sets_.windows, out.name, &Window::name) ==
      sets_.windows.end()) {
    sets_.windows.push_back(std::move(out));
  }
  return true;
}

bool RuleImport::TakeCondition(std::string_view text, DeviceMatch* out) {
  const bool negated = text.starts_with('!');
  if (negated) text.remove_prefix(1);
  DeviceMatch part;
  if (text == "true") {
    // Holds always.
  } else if (text == "false") {
    part.none.emplace_back();
  } else if (text.starts_with("localtime(") && text.ends_with(')')) {
    std::string window;
    text.remove_prefix(10);
    text.remove_suffix(1);
    if (!TakeTimes(text, &window)) return false;
    part.during = {window};
    changed = "the window is asked again while the device is plugged in";
  } else {
    return No(fmt::format("the condition '{}' is none of ours",
                          text.substr(0, text.find('('))));
  }
  if (negated && part.none.empty()) {
    out->none.push_back(std::move(part));
  } else if (!negated) {
    *out = std::move(part);
  }
  return true;
}

bool RuleImport::TakeConditions(const UsbguardAttribute& attribute) {
  std::vector<DeviceMatch> parts;
  for (const std::string& value : attribute.values) {
    DeviceMatch part;
    if (!TakeCondition(value, &part)) return false;
    parts.push_back(std::move(part));
  }
  const bool single = parts.size() == 1 && attribute.op != Op::kNoneOf;
  if (single || attribute.op == Op::kAllOf) {
    for (DeviceMatch& part : parts) Need(std::move(part));
    return true;
  }
  if (attribute.op == Op::kOneOf) {
    match.any = std::move(parts);
    return true;
  }
  if (attribute.op == Op::kNoneOf) {
    for (DeviceMatch& part : parts) {
      if (part.none.empty()) {
        NeedNot(std::move(part));
      } else {
        Need(part.none[0]);
      }
    }
    return true;
  }
  return No("conditions with this operator are none of ours");
}

bool RuleImport::TakeAttribute(const UsbguardAttribute& attribute) {
  const std::string& name = attribute.name;
  if (name == "label") {
    label = attribute.values[0];
    return true;
  }
  if (name == "id") return TakeIds(attribute);
  if (name == "name") return TakeText(attribute, &DeviceMatch::product);
  if (name == "serial") return TakeText(attribute, &DeviceMatch::serial);
  if (name == "via-port") return TakeText(attribute, &DeviceMatch::port);
  if (name == "with-interface") return TakeInterfaces(attribute);
  if (name == "if") return TakeConditions(attribute);
  if (name == "hash" || name == "parent-hash") {
    if (!options_.without_hashes) {
      return No(
          fmt::format("'{}' is computed in USBGuard's own way; "
                      "--without-hashes takes the rule without it",
                      name));
    }
    changed = fmt::format(
        "'{}' was left out, so that the rule holds for more "
        "devices",
        name);
    return true;
  }
  return No(fmt::format("'{}' is no fact of ours", name));
}

bool RuleImport::Take(const UsbguardRule& rule) {
  for (const UsbguardAttribute& attribute : rule.attributes) {
    if (!TakeAttribute(attribute)) return false;
  }
  if (options_.without_hashes && match == DeviceMatch{} && !changed.empty()) {
    return No("without its hash the rule would hold for every device");
  }
  return true;
}

std::string IdOf(std::string_view label, size_t number) {
  std::string id = fmt::format("usbguard-{}", number);
  std::string more;
  for (const char c : label) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool capital = c >= 'A' && c <= 'Z';
    if (more.size() >= 32) break;
    more += word ? c : capital ? static_cast<char>(c - 'A' + 'a') : '-';
  }
  return more.empty() ? id : id + "-" + more;
}

}  // namespace

Result<Imported> ImportUsbguard(std::string_view text,
                                std::string_view file_name,
                                const UsbguardOptions& options) {
  Problems problems(file_name);
  if (text.size() > kMaxImportBytes) {
    problems.Add(1, 1,
                 fmt::format("expected at most {} bytes", kMaxImportBytes));
  } else if (!options.zone.empty() && !Zone::Find(options.zone)) {
    problems.Add(1, 1, "expected a time zone such as Asia/Tokyo");
  }
  if (!problems.empty()) return std::unexpected(AsError(problems.Take()));
  const auto rules = ReadUsbguardRules(text, problems);
  if (!problems.empty()) return std::unexpected(AsError(problems.Take()));

  Imported out;
  out.policy.name = "imported from USBGuard";
  out.policy.device_default =
      options.otherwise == Access::kBlock ? Access::kBlock : Access::kFull;
  out.policy.content_default = Verdict::kBlock;
  Problems left_out(file_name);
  Problems changed(file_name);
  size_t number = 0;
  for (const UsbguardRule& rule : rules) {
    ++number;
    RuleImport translated(options, &out.policy.sets);
    if (!translated.Take(rule)) {
      left_out.Add(rule.line, 1,
                   fmt::format("rule left out: {}", translated.why));
      continue;
    }
    if (!translated.changed.empty())
      changed.Add(rule.line, 1, translated.changed);
    DeviceRule made;
    made.id = IdOf(translated.label, number);
    made.match = translated.match;
    made.no_exec = false;
    made.line = rule.line;
    if (rule.target == "allow") {
      if (!translated.no_storage && options.media != Access::kFull) {
        DeviceRule media = made;
        media.id += "-media";
        DeviceMatch storage;
        storage.interfaces_any = {InterfacePattern{kStorageClass, {}, {}}};
        media.match.all.push_back(std::move(storage));
        media.access = options.media;
        media.no_exec = true;
        out.policy.devices.push_back(std::move(media));
      }
      made.access = Access::kFull;
    }
    out.policy.devices.push_back(std::move(made));
  }
  out.left_out = left_out.Take();
  out.changed = changed.Take();
  return out;
}

namespace {

std::string QuoteText(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool HasWildcard(const std::optional<std::string>& text) {
  return text && text->find_first_of("*?") != std::string::npos;
}

std::string InterfaceSet(std::string_view op,
                         const std::vector<InterfacePattern>& patterns) {
  std::string out = fmt::format(" with-interface {} {{", op);
  for (const InterfacePattern& pattern : patterns) {
    std::string text = PrintInterfacePattern(pattern);
    std::ranges::replace(text, '/', ':');
    out += ' ' + text;
  }
  return out + " }";
}

// What of a condition USBGuard has no word for; empty: it has for all.
std::string WhyNotUsbguard(const DeviceRule& rule) {
  DeviceMatch rest = rule.match;
  rest.vendor_id.reset();
  rest.product_id.reset();
  rest.serial.reset();
  rest.product.reset();
  rest.port.reset();
  rest.interfaces_all.clear();
  rest.interfaces_any.clear();
  if (rest.bus == "usb") rest.bus.reset();
  if (rest != DeviceMatch{}) return "it asks for more than USBGuard knows";
  if (rule.list) return "its devices stand in a list";
  const DeviceMatch& m = rule.match;
  for (const auto* text : {&m.serial, &m.product, &m.port}) {
    if (HasWildcard(*text)) return "USBGuard's texts are no patterns";
  }
  for (const auto* id : {&m.vendor_id, &m.product_id}) {
    if (HasWildcard(*id) && *id != "*") return "its ids are patterns";
  }
  const bool product = m.product_id && *m.product_id != "*";
  if (product && (!m.vendor_id || *m.vendor_id == "*")) {
    return "USBGuard names no product without its vendor";
  }
  const auto whole = [](const InterfacePattern& p) {
    return p.klass && (p.subclass || !p.protocol);
  };
  if (!std::ranges::all_of(m.interfaces_all, whole) ||
      !std::ranges::all_of(m.interfaces_any, whole)) {
    return "USBGuard's interfaces end in wildcards only";
  }
  if (!m.interfaces_all.empty() && !m.interfaces_any.empty()) {
    return "USBGuard asks for interfaces in one way only";
  }
  return "";
}

std::string UsbguardLine(const DeviceRule& rule) {
  const DeviceMatch& m = rule.match;
  std::string out = rule.access == Access::kBlock ? "block" : "allow";
  if (m.vendor_id || m.product_id) {
    out += fmt::format(" id {}:{}", m.vendor_id.value_or("*"),
                       m.product_id.value_or("*"));
  }
  if (m.serial) out += " serial " + QuoteText(*m.serial);
  if (m.product) out += " name " + QuoteText(*m.product);
  if (m.port) out += " via-port " + QuoteText(*m.port);
  if (!m.interfaces_all.empty()) {
    out += InterfaceSet("match-all", m.interfaces_all);
  }
  if (!m.interfaces_any.empty()) {
    out += InterfaceSet("one-of", m.interfaces_any);
  }
  return out + " label " + QuoteText(rule.id) + "\n";
}

// The rows of a list as rules: those that block first, as with us.
std::vector<DeviceRule> RulesOf(const DeviceRule& rule,
                                const std::vector<DeviceEntry>& rows) {
  std::vector<DeviceRule> out;
  for (const bool blocks : {true, false}) {
    for (const DeviceEntry& row : rows) {
      if (row.list != *rule.list || row.vendor_id.empty() ||
          (row.access == Access::kBlock) != blocks) {
        continue;
      }
      DeviceRule one = rule;
      one.list.reset();
      one.access = row.access;
      one.match.vendor_id = row.vendor_id;
      if (row.product_id != "*") one.match.product_id = row.product_id;
      if (row.serial != "*") one.match.serial = row.serial;
      // Bound to a terminal, an end or descriptors: not for USBGuard.
      if (!row.terminal.empty()) one.match.terminals = {row.terminal};
      if (row.expires) one.match.during = {"until its end"};
      if (!row.descriptor_hash.empty()) {
        one.match.descriptor_hash = row.descriptor_hash;
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace

Exported ExportUsbguard(const Policy& policy,
                        const std::vector<DeviceEntry>& rows,
                        std::string_view file_name) {
  Exported out;
  Problems left_out(file_name);
  bool missing_block = false;
  for (const DeviceRule& rule : policy.devices) {
    const bool simple_list = rule.list && rule.match == DeviceMatch{};
    const auto rules =
        simple_list ? RulesOf(rule, rows) : std::vector<DeviceRule>{rule};
    for (const DeviceRule& one : rules) {
      std::string why = WhyNotUsbguard(one);
      const bool allows = one.access != Access::kBlock || one.list;
      if (why.empty() && allows && missing_block) {
        why = "a rule before it that blocks was left out";
      }
      if (why.empty()) {
        out.text += UsbguardLine(one);
        continue;
      }
      left_out.Add(std::max(one.line, 1), 1,
                   fmt::format("rule '{}' left out: {}", one.id, why));
      missing_block = missing_block || one.access == Access::kBlock || one.list;
    }
  }
  if (policy.device_default != Access::kBlock) out.text += "allow\n";
  out.left_out = left_out.Take();
  return out;
}

}  // namespace sekisho::policy
