// Compound files: picks the reader of a legacy workbook, document or
// presentation; of any other (Outlook messages, embedded objects) each stream
// is a part.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "detect/formats/compound.h"
#include "detect/formats/text_parts.h"

namespace sekisho::detect {

// `*format` becomes "xls", "doc", "ppt" or "ole".
std::unique_ptr<Reader> OpenCompound(const Source* source, Budget* budget,
                                     std::string* format);

// Text atoms of a presentation ([MS-PPT] 2.9.41 to 2.9.43).
class PptReader final : public DocumentReader {
 public:
  PptReader(Bytes stream, Budget* budget)
      : DocumentReader(budget), stream_(std::move(stream)) {}

 protected:
  bool Pump() override;

 private:
  Bytes stream_;
  size_t at_ = 0;
};

}  // namespace sekisho::detect
