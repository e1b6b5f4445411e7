// How fast the acknowledged path is: `store_bench sqlite FILE` or `store_bench
// postgres CONNINFO`, and the seconds to run. Agents send batches one after
// another, each when the one before is acknowledged; records are made (hashed
// and signed) before the clock starts.
#include <fmt/format.h>
#include <sodium.h>

#include <cstdlib>
#include <future>
#include <thread>

#include "server/store/store.h"

namespace sekisho {
namespace {

constexpr int kAgents = 16;

struct Sender {
  std::string agent_id;
  event::ChainKeyPair keys = event::NewChainKeyPair();
  event::Head head;
  std::vector<std::vector<event::v1::EventRecord>> batches;
};

event::v1::EventRecord RecordOf(Sender& sender) {
  event::v1::PublicPart part;
  part.set_agent_id(sender.agent_id);
  part.set_kind(event::v1::EVENT_KIND_TRANSFER);
  part.set_rule(std::string(400, 'r'));
  event::v1::PersonalPart personal;
  personal.set_person(std::string(200, 'p'));
  return *event::Append(sender.head, part, personal, sender.keys.secret_key);
}

bool Send(store::Store& store, const std::string& agent_id,
          std::vector<event::v1::EventRecord> batch) {
  std::promise<bool> done;
  store.Append({agent_id, std::move(batch), WallTime()},
               [&](const Result<event::Head>& head) {
                 done.set_value(head.has_value());
               });
  return done.get_future().get();
}

int Run(store::Store& store, int batch_size, int batches) {
  std::vector<Sender> senders(kAgents);
  for (size_t i = 0; i < senders.size(); ++i) {
    store::NewAgent agent;
    agent.agent_id = fmt::format("agent-{}-{}", batch_size, i);
    agent.terminal = agent.agent_id;
    agent.chain_key = senders[i].keys.public_key;
    if (!store.AddAgent(agent)) return 1;
    senders[i].agent_id = agent.agent_id;
    for (int b = 0; b < batches; ++b) {
      auto& batch = senders[i].batches.emplace_back();
      for (int k = 0; k < batch_size; ++k)
        batch.push_back(RecordOf(senders[i]));
    }
  }
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (Sender& sender : senders) {
    threads.emplace_back([&] {
      for (auto& batch : sender.batches) {
        if (!Send(store, sender.agent_id, std::move(batch))) std::abort();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  const double events = double{kAgents} * batch_size * batches;
  fmt::print("batches of {:3}: {:7.0f} events/s, {:6.0f} batches/s\n",
             batch_size, events / seconds, events / batch_size / seconds);
  return 0;
}

}  // namespace
}  // namespace sekisho

int main(int argc, char** argv) {
  using namespace sekisho;
  if (argc != 3 || sodium_init() < 0) {
    fmt::print(stderr, "usage: store_bench sqlite FILE | postgres CONNINFO\n");
    return 2;
  }
  const std::string where = argv[2];
  const auto store = std::string_view(argv[1]) == "postgres"
                         ? store::OpenPostgres({where, nullptr})
                         : store::OpenSqlite({where, {}});
  if (!store) {
    fmt::print(stderr, "{}\n", store.error().message);
    return 1;
  }
  return Run(**store, 1, 500) + Run(**store, 20, 150) + Run(**store, 200, 20);
}
