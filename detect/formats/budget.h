// What the inspection of one file may cost, whatever its writer intended: each
// bound has a name, and going over it ends the inspection with
// `limit:<name>` ("bomb" for the ratio, "timeout" for time).
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>

namespace sekisho::detect {

struct Limits {
  // Bytes that decoders put out, all depths together: limit:output_bytes.
  int64_t output_bytes = int64_t{64} << 30;
  // Output per byte of the file, once output is above `ratio_free_bytes`:
  // bomb. Deflate itself reaches 1032, honest files about 50.
  int64_t ratio = 250;
  int64_t ratio_free_bytes = int64_t{32} << 20;
  // Entries of archives and parts of documents: limit:entries.
  int64_t entries = 200'000;
  // Containers inside one another: limit:depth.
  int depth = 16;
  // What must be held in memory to read the rest, all depths together: an
  // archive within an archive, the strings of a workbook: limit:dictionary.
  int64_t dictionary_bytes = int64_t{160} << 20;
  // Text taken out of documents, all parts together: limit:text_bytes.
  int64_t text_bytes = int64_t{16} << 30;
};

class Budget {
 public:
  // `out_of_time` is asked about once a chunk (64 KiB); it may be empty.
  explicit Budget(const Limits& limits = {},
                  std::function<bool()> out_of_time = {})
      : limits_(limits), out_of_time_(std::move(out_of_time)) {}

  void set_input_bytes(int64_t bytes) { input_ = bytes; }
  const Limits& limits() const { return limits_; }

  // False once a bound is passed; then nothing more is to be read.
  bool Output(int64_t bytes) {
    output_ += bytes;
    if (output_ > limits_.output_bytes) {
      Stop("limit:output_bytes");
    } else if (output_ > limits_.ratio_free_bytes &&
               output_ / limits_.ratio > input_) {
      Stop("bomb");
    }
    return Tick();
  }
  bool Text(int64_t bytes) {
    text_ += bytes;
    if (text_ > limits_.text_bytes) {
      Stop("limit:text_bytes");
    }
    return ok();
  }
  bool Entry() {
    if (++entries_ > limits_.entries) {
      Stop("limit:entries");
    }
    return Tick();
  }
  // Memory to hold, to be given back by Release. False: there is no room; the
  // part is skipped with limit:dictionary, the rest goes on.
  bool Hold(int64_t bytes) {
    if (held_ + bytes > limits_.dictionary_bytes) {
      return false;
    }
    held_ += bytes;
    return true;
  }
  void Release(int64_t bytes) { held_ -= bytes; }

  bool Tick() {
    if (out_of_time_ && ok() && out_of_time_()) {
      Stop("timeout");
    }
    return ok();
  }
  void Stop(const char* reason) {
    if (reason_.empty()) {
      reason_ = reason;
    }
  }
  bool ok() const { return reason_.empty(); }
  // Why the inspection has to end; empty while it need not.
  const std::string& reason() const { return reason_; }
  int64_t output() const { return output_; }

 private:
  Limits limits_;
  std::function<bool()> out_of_time_;
  int64_t input_ = 0;
  int64_t output_ = 0;
  int64_t text_ = 0;
  int64_t entries_ = 0;
  int64_t held_ = 0;
  std::string reason_;
};

}  // namespace sekisho::detect
