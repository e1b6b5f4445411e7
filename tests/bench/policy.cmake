sekisho_program(policy_bench SOURCES policy_bench.cc DEPS sekisho_policy)
