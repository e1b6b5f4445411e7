// The one interface of every format: a container is a row of parts, a part is a
// stream of bytes. What a part holds is looked at by whoever reads it, so an
// archive in a mail in an archive needs no code of its own.
//
//   Part part;
//   while (reader->Next(&part)) { while (n = reader->Read(buffer)) ... }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "detect/formats/budget.h"
#include "detect/formats/source.h"

namespace sekisho::detect {

enum class PartKind : uint8_t {
  kBytes,  // any content: to be recognised
  kText,   // UTF-8 the reader made: rows with tabs between cells, or lines
};

struct Part {
  std::string name;  // for people; UTF-8 where the file says how to read it
  PartKind kind = PartKind::kBytes;
};

class Reader {
 public:
  Reader() = default;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  virtual ~Reader() = default;

  // Moves on to the next part, past what was not read of this one; false after
  // the last. Bytes a part costs are charged to the budget by the reader.
  virtual bool Next(Part* part) = 0;
  // The next bytes of the part, at most out.size(); 0 at its end.
  virtual size_t Read(std::span<std::byte> out) = 0;

  // Why something could not be read (a reason of the contract), empty if
  // everything so far was.
  const std::string& problem() const { return problem_; }

 protected:
  void Problem(std::string_view reason) {
    if (problem_.empty()) {
      problem_ = reason;
    }
  }

 private:
  std::string problem_;
};

}  // namespace sekisho::detect
