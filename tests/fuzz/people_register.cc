// Any bytes as a register of people, CSV or LDIF: what is taken can be signed
// for the terminals and read there, and each problem has its place.
#include "server/core/people_register.h"

#include <cstddef>
#include <cstdint>

#include "common/text.h"
#include "policy/people_list.h"
#include "server/core/terminal_register.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  core::PeopleFile file;
  file.text.assign(reinterpret_cast<const char*>(data), size);
  file.format = file.text.starts_with("dn:") ? core::PeopleFormat::kLdif
                                             : core::PeopleFormat::kCsv;
  const core::ParsedPeople parsed = core::ParsePeopleFile(file);
  CHECK(parsed.problems.size() <= core::kMaxRegisterProblems);
  for (const core::RegisterProblem& problem : parsed.problems) {
    CHECK(problem.line >= 1);
    CHECK(!problem.message.empty());
    CHECK(!problem.fix.empty());
  }
  if (!parsed.problems.empty()) return 0;
  std::vector<policy::ListedPerson> list;
  for (const core::RegisteredPerson& row : parsed.rows) {
    policy::ListedPerson person;
    person.id = row.id;
    for (const std::string_view word : Split(row.accounts, ',')) {
      if (!word.empty()) person.accounts.emplace_back(word);
    }
    list.push_back(std::move(person));
  }
  CHECK(policy::ParsePeople(policy::PrintPeople(list)) == list);
  return 0;
}
