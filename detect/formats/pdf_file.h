// A PDF file's objects by number. The cross-reference table is not trusted: the
// file is searched for its objects, as readers do to repair it, the last of a
// number counts.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/formats/budget.h"
#include "detect/formats/pdf_value.h"
#include "detect/formats/source.h"

namespace sekisho::detect {

inline constexpr size_t kMaxPdfObjects = size_t{1} << 21;
inline constexpr size_t kMaxPdfFilters = 8;
inline constexpr size_t kMaxPdfStreamBytes = size_t{16} << 20;

struct PdfObject {
  PdfValue value;
  int64_t stream_begin = -1;  // in the file; -1: no stream
  int64_t stream_size = 0;
};

class PdfFile {
 public:
  // `source` and `budget` must outlive the file.
  PdfFile(const Source* source, Budget* budget);

  bool encrypted() const { return encrypted_; }
  const std::string& problem() const { return problem_; }
  // Numbers of all objects, ascending.
  std::vector<uint32_t> Numbers() const;
  PdfObject Load(uint32_t number);
  // `value`, or what it refers to.
  PdfValue Resolve(const PdfValue& value);
  // The stream's bytes with filters taken off; nullopt when a filter is not
  // known (pictures).
  std::optional<std::string> Decode(const PdfObject& object);

 private:
  struct Place {
    int64_t offset = -1;     // in the file
    uint32_t container = 0;  // or the object stream
    uint32_t index = 0;
  };
  void Search();
  void SearchBlock(std::string_view block, int64_t offset);
  void OpenObjectStreams();
  PdfObject LoadAt(int64_t offset);
  PdfObject LoadFrom(const Place& place);

  const Source* source_;
  Budget* budget_;
  std::map<uint32_t, Place> places_;
  uint32_t open_container_ = 0;
  std::string container_text_;
  std::vector<size_t> container_offsets_;
  bool encrypted_ = false;
  std::string problem_;
};

// One filter (7.4); false for one that is not read here. `*problem` is set when
// only a part could be read, and else left.
bool DecodePdfFilter(std::string_view name, const PdfValue& params,
                     std::string* data, Budget* budget, std::string* problem);

}  // namespace sekisho::detect
