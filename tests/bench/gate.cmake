# Run: gate_bench.py BUILD_DIR, as root; see the script's head.
if(TARGET sekisho_gate AND TARGET gate_under_test)
  sekisho_program(gate_peers SOURCES ${CMAKE_CURRENT_LIST_DIR}/gate_peers.cc
    DEPS sekisho_ipc sekisho_common)
endif()
