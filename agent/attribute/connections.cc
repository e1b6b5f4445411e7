#include "agent/attribute/connections.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::attribute {
namespace {

constexpr size_t kMaxTableBytes = size_t{4} << 20;
constexpr size_t kMaxDescriptors = 256;
constexpr size_t kMaxChildren = 16;
constexpr uint32_t kListening = 0x0a;  // include/net/tcp_states.h
constexpr std::string_view kSocket = "socket:[";

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

template <typename Number>
std::optional<Number> Parse(std::string_view text, int base) {
  Number value{};
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, base);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && !text.empty() ? std::optional(value) : std::nullopt;
}

std::vector<std::string_view> Words(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view word : Split(line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

// "0100007F:1F90": words of the address as the machine has them in memory.
std::optional<std::string> EndOf(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  std::array<uint32_t, 4> address{};
  for (size_t i = 0; i < colon / 8; ++i) {
    const auto word = Parse<uint32_t>(text.substr(i * 8, 8), 16);
    if (!word) return std::nullopt;
    address[i] = *word;
  }
  const auto port = Parse<uint16_t>(text.substr(colon + 1), 16);
  if (!port || *port == 0) return std::nullopt;
  const uint32_t mapped = htonl(0xffff);
  const bool four = colon == 8 || (address[0] == 0 && address[1] == 0 &&
                                   address[2] == mapped);
  std::array<char, INET6_ADDRSTRLEN> shown{};
  const void* from = colon == 32 && four ? &address[3] : address.data();
  if (::inet_ntop(four ? AF_INET : AF_INET6, from, shown.data(),
                  shown.size()) == nullptr) {
    return std::nullopt;
  }
  return four ? fmt::format("{}:{}", shown.data(), *port)
              : fmt::format("[{}]:{}", shown.data(), *port);
}

bool IsThisMachine(const std::string& end) {
  return end.starts_with("127.") || end.starts_with("[::1]");
}

std::set<uint64_t> SocketsOf(const std::string& dir) {
  std::set<uint64_t> sockets;
  const std::unique_ptr<DIR, DirCloser> fds(::opendir((dir + "/fd").c_str()));
  if (fds == nullptr) return sockets;
  size_t seen = 0;
  while (const dirent* entry = ::readdir(fds.get())) {
    if (++seen > kMaxDescriptors) break;
    std::array<char, 64> target{};
    const ssize_t size = ::readlinkat(::dirfd(fds.get()), entry->d_name,
                                      target.data(), target.size());
    if (size <= 0) continue;
    std::string_view text(target.data(), static_cast<size_t>(size));
    if (!text.starts_with(kSocket) || !text.ends_with(']')) continue;
    text.remove_prefix(kSocket.size());
    text.remove_suffix(1);
    if (const auto inode = Parse<uint64_t>(text, 10)) sockets.insert(*inode);
  }
  return sockets;
}

void AddEnds(const std::string& dir, std::vector<std::string>* out) {
  const std::set<uint64_t> sockets = SocketsOf(dir);
  if (sockets.empty()) return;
  for (const char* name : {"/net/tcp", "/net/tcp6"}) {
    const auto table = ReadFileAt(AT_FDCWD, dir + name, kMaxTableBytes);
    if (!table) continue;
    for (std::string& end : RemoteEnds(*table, sockets)) {
      if (std::ranges::find(*out, end) == out->end()) {
        out->push_back(std::move(end));
      }
    }
  }
}

}  // namespace

std::vector<std::string> RemoteEnds(std::string_view table,
                                    const std::set<uint64_t>& inodes) {
  std::vector<std::string> ends;
  for (const std::string_view line : Split(table, '\n')) {
    // sl local remote state queues timer retransmits uid timeout inode ...
    const auto words = Words(line);
    if (words.size() < 10) continue;
    const auto state = Parse<uint32_t>(words[3], 16);
    const auto inode = Parse<uint64_t>(words[9], 10);
    if (!state || *state == kListening || !inode || !inodes.contains(*inode)) {
      continue;
    }
    if (auto end = EndOf(words[2])) ends.push_back(std::move(*end));
  }
  return ends;
}

std::vector<std::string> ConnectionsOf(const std::string& root, pid_t pid) {
  const std::string proc = root + "/proc/";
  std::vector<std::string> ends;
  AddEnds(proc + std::to_string(pid), &ends);
  const auto children = ReadFileAt(
      AT_FDCWD, fmt::format("{}{}/task/{}/children", proc, pid, pid), 4096);
  if (children) {
    auto pids = Words(Trim(*children));
    pids.resize(std::min(pids.size(), kMaxChildren));
    for (const std::string_view child : pids) {
      if (Parse<pid_t>(child, 10)) AddEnds(proc + std::string(child), &ends);
    }
  }
  // Other machines first.
  std::vector<std::string> sorted;
  std::ranges::copy_if(ends, std::back_inserter(sorted),
                       std::not_fn(IsThisMachine));
  std::ranges::copy_if(ends, std::back_inserter(sorted), IsThisMachine);
  sorted.resize(std::min(sorted.size(), kMaxConnections));
  return sorted;
}

}  // namespace sekisho::attribute
