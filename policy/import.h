// Policies of other products to ours. Nothing is guessed: what cannot be said
// in ours is left out and told with its place and the reason.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/parser.h"

namespace sekisho::policy {

inline constexpr size_t kMaxImportBytes = size_t{4} << 20;

struct Imported {
  Policy policy;  // observing, so that nothing happens before it was looked at
  // What of the source is not in `policy`, by line.
  std::vector<Problem> left_out;
  // What is in it and means a little more or less than in the source.
  std::vector<Problem> changed;
};

struct UsbguardOptions {
  // What an allowed medium becomes; other devices are full.
  Access media = Access::kInspect;
  // USBGuard's ImplicitPolicyTarget.
  Access otherwise = Access::kBlock;
  // The zone of `localtime`; without one such rules are left out.
  std::string zone;
  // Takes rules without their `hash` and `parent-hash`, which no other program
  // can compute from what it sees; each is told as changed.
  bool without_hashes = false;
};

// rules.conf of USBGuard, as usbguard-rules.conf(5) of version 1.1 describes
// it. kInvalidArgument with every place that is not its grammar.
Result<Imported> ImportUsbguard(std::string_view text,
                                std::string_view file_name,
                                const UsbguardOptions& options);

struct SourceFile {
  std::string name;
  std::string text;
};
// Microsoft Defender device control: the XML of groups and of policy rules
// (Windows, one file or several), or the JSON of macOS. Each rule becomes one
// device rule with `media` where it lets people write; what a rule leaves open
// is taken from the default and told as changed.
Result<Imported> ImportDefender(const std::vector<SourceFile>& files,
                                Access media);

struct ImportedList {
  std::vector<DeviceEntry> rows;
  std::vector<std::string> ignored_columns;
};
// A CSV of devices as other programs write them: any order of columns, whose
// names say vendor id, product id and serial (and owner, purpose, ticket) in
// one of the usual ways; ids may begin with 0x. Every row is on `list` with
// `access`.
Result<ImportedList> ImportDeviceCsv(std::string_view csv,
                                     std::string_view file_name,
                                     std::string_view list, Access access);

struct Exported {
  std::string text;
  std::vector<Problem> left_out;
};
// Rules that say who may be used at all; access words other than block are
// "allow". What USBGuard cannot say is left out, and with the first rule that
// is left out every later one that allows, since it might allow what ours
// blocks.
Exported ExportUsbguard(const Policy& policy,
                        const std::vector<DeviceEntry>& rows,
                        std::string_view file_name);

}  // namespace sekisho::policy
