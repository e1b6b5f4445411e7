// The side of a document reader that writes: parts of text as they are found,
// handed on in the order they were begun. The reader pumps its parser until
// there is something to hand on.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/formats/reader.h"

namespace sekisho::detect {

// A cell longer than this is also a line of its own: it is prose.
inline constexpr size_t kMaxCellBytes = size_t{8} * 1024;

// `cell` without what would end the cell or the row.
void AppendCell(std::string_view cell, std::string* row);

class TextParts {
 public:
  // What follows belongs to a new part.
  void Begin(std::string name) { parts_.push_back({std::move(name), {}, 0}); }
  // Into the part begun last; without one, into an unnamed part.
  std::string* out();
  void Line(std::string_view line);
  // One record: cells between tabs, padded to the widest record of the part so
  // far, so that every line has the same number of fields.
  void Row(const std::vector<std::string>& cells, size_t count);
  void Row(const std::vector<std::string>& cells) { Row(cells, cells.size()); }

  // How much of the front part waits to be read.
  size_t pending() const { return Waiting(); }
  bool empty() const { return parts_.empty(); }

  // The side of the reader. Take: the next bytes of the front part; 0 when it
  // has none now. Done: a later part was begun, so the front one is complete.
  size_t Take(std::span<std::byte> out);
  bool FrontDone() const { return parts_.size() > 1; }
  const std::string& front_name() const { return parts_.front().name; }
  void PopFront();

 private:
  struct Pending {
    std::string name;
    std::string text;
    size_t width = 0;
  };
  size_t Waiting() const {
    return parts_.empty() ? 0 : parts_.front().text.size() - taken_;
  }
  std::deque<Pending> parts_;
  size_t taken_ = 0;  // of the front part's text
};

// A reader of documents: Pump() does a step of work that may add text to
// `parts_` or name a part of bytes.
class DocumentReader : public Reader {
 public:
  explicit DocumentReader(Budget* budget) : budget_(budget) {}
  bool Next(Part* part) final;
  size_t Read(std::span<std::byte> out) final;

 protected:
  // One step; false when the document is read. Charges the budget.
  virtual bool Pump() = 0;
  // A part of bytes that Pump() came upon: OfferBytes names it, the frame reads
  // it with ReadBytes, and Pump() goes on after it.
  void OfferBytes(std::string name) {
    offered_ = true;
    offer_name_ = std::move(name);
  }
  virtual size_t ReadBytes(std::span<std::byte> out);

  Budget* budget_;
  TextParts parts_;

 private:
  bool PumpOnce();

  bool pumping_ = true;
  bool in_text_ = false;
  bool in_bytes_ = false;
  bool offered_ = false;
  std::string offer_name_;
};

}  // namespace sekisho::detect
