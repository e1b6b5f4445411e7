// Legacy workbooks ([MS-XLS], BIFF8, and BIFF5's labels): rows of every sheet,
// hidden ones too, comments and text boxes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "detect/formats/compound.h"
#include "detect/formats/string_store.h"
#include "detect/formats/text_parts.h"
#include "detect/formats/workbook.h"

namespace sekisho::detect {

class XlsReader final : public DocumentReader {
 public:
  XlsReader(const CompoundFile& file, const CompoundFile::Stream& stream,
            Budget* budget);
  ~XlsReader() override { budget_->Release(held_); }

 protected:
  bool Pump() override;

 private:
  struct BiffRecord {
    unsigned type = 0;
    ByteSpan data;
  };
  bool NextRecord(BiffRecord* record);
  void Take(const BiffRecord& record);
  void TakeGlobals(const BiffRecord& record);
  void TakeStrings(ByteSpan data);
  void TakeCell(const BiffRecord& record);
  void SetCell(size_t row, size_t column, std::string text);
  std::string NumberText(double value, size_t style) const;
  // `wide_count`: whether the length has two bytes.
  std::string Label(ByteSpan data, bool wide_count) const;
  void FlushRow();

  Bytes stream_;
  int64_t held_ = 0;
  size_t at_ = 0;
  bool biff8_ = true;
  int depth_ = 0;  // of BOF and EOF
  Workbook workbook_;
  std::map<uint32_t, std::string> sheets_;  // where it begins -> name
  std::map<unsigned, bool> formats_;
  std::vector<std::string> cells_;
  size_t count_ = 0;
  size_t row_ = 0;
  bool wants_string_ = false;  // a formula's text follows
  size_t string_row_ = 0;
  size_t string_column_ = 0;
  bool wants_text_ = false;  // a text box's text follows
  std::string notes_;
  bool over_ = false;
};

}  // namespace sekisho::detect
