// What the enrolment process and the server say to each other over a local
// SOCK_SEQPACKET socket: one question a packet, one answer a packet. A packet
// is "key=<hex>\n" lines, so that no value needs escaping.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "common/bytes.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::service {

using LinkMessage = std::map<std::string, std::string>;

inline constexpr size_t kMaxLinkBytes = size_t{32} * 1024;

std::string EncodeLink(const LinkMessage& message);
// kInvalidArgument: not lines of key=<hex>, or over the cap.
Result<LinkMessage> DecodeLink(ByteSpan bytes);

// Questions, by "verb":
//   grant      token hostname machine_id agent_version chain_key address
//              -> agent_id terminal epoch root_file
//   renew      agent_id serial key_hash address -> (nothing)
//   certified  agent_id serial key_hash not_after (microseconds) address
//              replaces (serial; empty at enrolment) -> (nothing)
//   server_csr -> csr (empty while the server's certificate is not due)
//   server_certificate  certificate -> (nothing)
//   refused    hostname address reason -> (nothing)
// An answer with "code" (a number) and "message" is an error.

// The asking end. Thread-safe; one question at a time; connects anew when the
// server was restarted.
class LinkClient {
 public:
  explicit LinkClient(std::string path) : path_(std::move(path)) {}
  // kUnavailable: the server is not there or does not answer within 10 s.
  Result<LinkMessage> Ask(const LinkMessage& question);

 private:
  Result<LinkMessage> AskOnce(const LinkMessage& question);

  const std::string path_;
  std::mutex mutex_;  // guards fd_
  UniqueFd fd_;
};

}  // namespace sekisho::service
