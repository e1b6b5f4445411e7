// Spreadsheet XML (ECMA-376 part 1, 18): what a workbook's cells mean, and rows
// from its sheets.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detect/formats/string_store.h"
#include "detect/formats/text_parts.h"
#include "detect/formats/xml.h"

namespace sekisho::detect {

// "1985/04/12" from a serial day number, with " 10:30" when it has a time;
// empty when it is no date. The 1900 system counts 1900-02-29, a day that never
// was.
enum class DateSystem : uint8_t { k1900, k1904 };
std::string DateOfSerial(double serial, DateSystem system);
// Whether a number format shows a date (18.8.30 for the built-in ones, else by
// the letters y, m, d, e, g outside quotes and brackets).
bool IsDateFormat(int id);
bool IsDateFormat(std::string_view code);
// The number as it would be typed: no exponent, no needless digits.
std::string PlainNumber(std::string_view number);

// What the sheets refer to.
struct Workbook {
  explicit Workbook(Budget* budget) : strings(budget) {}
  StringStore strings;
  bool strings_full = false;
  DateSystem dates = DateSystem::k1900;
  std::vector<bool> date_styles;               // by cell style
  std::map<std::string, std::string> sheets;   // relation id -> name
  std::map<std::string, std::string> targets;  // part's file name -> sheet name
};

// Handlers of workbook.xml, its relations, styles.xml and sharedStrings.xml.
std::unique_ptr<XmlHandler> MakeWorkbookHandler(Workbook* workbook);
std::unique_ptr<XmlHandler> MakeRelationsHandler(Workbook* workbook);
std::unique_ptr<XmlHandler> MakeStylesHandler(Workbook* workbook);
std::unique_ptr<XmlHandler> MakeStringsHandler(Workbook* workbook);
// A worksheet: one part of rows.
std::unique_ptr<XmlHandler> MakeSheetHandler(Workbook* workbook,
                                             TextParts* parts,
                                             std::string name);

}  // namespace sekisho::detect
