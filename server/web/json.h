// Rows to JSON, as docs/api/openapi.yaml says. Text of a device, medium or
// terminal leaves here escaped (EscapeUntrusted): what the browser gets has no
// controls and is valid UTF-8.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/core/queries.h"

namespace sekisho::web {

// The words of "kind" and "outcome", and back.
const char* Name(event::v1::EventKind kind);
const char* Name(event::v1::Outcome outcome);
std::optional<event::v1::EventKind> ParseKind(std::string_view word);
std::optional<event::v1::Outcome> ParseOutcome(std::string_view word);

nlohmann::json ToJson(const core::Event& event);
nlohmann::json ToJson(const core::Alert& alert);
nlohmann::json ToJson(const core::Device& device);
nlohmann::json ToJson(const core::Agent& agent);
nlohmann::json ToJson(const core::PolicyVersion& version);
nlohmann::json ToJson(const core::AuditEntry& entry);
nlohmann::json ToJson(const core::Change& change);
nlohmann::json ToJson(const core::ContainmentStatus& status);
nlohmann::json ToJson(const core::TransferGrant& grant);
nlohmann::json ToJson(const policy::Problem& problem);

template <typename T>
nlohmann::json ToJson(const core::Page<T>& page) {
  nlohmann::json rows = nlohmann::json::array();
  for (const T& row : page.rows) rows.push_back(ToJson(row));
  return {{"rows", std::move(rows)}, {"next_page_token", page.next_token}};
}

}  // namespace sekisho::web
