// The signed answer to an inquiry, as the client's auditor has it: opened with
// the log's public key alone, checked against itself and the checkpoint in it,
// printed as text or as a page without scripts. Pure; docs/inquiry.md is its
// page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "merkle/checkpoint.h"

namespace sekisho::cli {

inline constexpr size_t kMaxInquiryBytes = size_t{256} << 20;

// The JSON in a signed note, not verified. kInvalidArgument.
Result<nlohmann::json> ReadInquiry(std::string_view note);

// What is wrong with it; empty: signed by `key`, in its one spelling, every
// listed copy is in the log under the checkpoint, and the answer and all sums
// follow from what is listed.
std::vector<std::string> CheckInquiry(std::string_view note,
                                      const merkle::Verifier& key);

// A file with a line "log name+hash+key", as `sekisho event export --keys-out`
// writes it, or with the key alone.
Result<merkle::Verifier> ParseLogKey(std::string_view text);

std::string InquiryText(const nlohmann::json& document);
std::string InquiryHtml(const nlohmann::json& document);

}  // namespace sekisho::cli
